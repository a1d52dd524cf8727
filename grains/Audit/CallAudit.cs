using Microsoft.Extensions.DependencyInjection;

namespace OrleansKms.Grains.Audit;

/// <summary>What a call was about, as far as the trail keeps it. The work of the call fills in what it finds out.</summary>
public sealed class AuditSubject
{
    /// <summary>The key.</summary>
    public string? KeyId { get; set; }

    /// <summary>The alias.</summary>
    public string? Alias { get; set; }

    /// <summary>Bytes of plaintext, or of what was drawn.</summary>
    public long? Bytes { get; set; }

    /// <summary>How many items were worked on or listed.</summary>
    public int? Items { get; set; }

    /// <summary>The revision of the row that a change has made.</summary>
    public long? Revision { get; set; }

    /// <summary>What else it was about, for example the name of a policy. Never a secret.</summary>
    public string? Detail { get; set; }
}

/// <summary>
/// How every grain but the key's, which has a gate of its own, records what it does for callers: once, allowed or refused, and
/// before the answer leaves.
/// </summary>
public sealed class CallAudit(IServiceProvider services)
{
    private readonly AuditLog? _log = services.GetService<AuditLog>() is { IsOn: true } log ? log : null;

    /// <summary>Refuses a change whose record could not be kept; to be called before anything of it is done.</summary>
    /// <exception cref="KmsException">audit_unavailable.</exception>
    public void RequireRoom()
    {
        if (_log is { IsWritable: false })
        {
            throw KmsError.AuditUnavailable.Exception("Changes cannot be recorded: the audit trail cannot be written; try again once that is mended.");
        }
    }

    /// <summary>Runs an operation and records how it ended.</summary>
    /// <param name="operation">What is asked for.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="subject">What about.</param>
    /// <param name="work">The operation. What it throws but a <see cref="KmsException"/> is for the sender to record.</param>
    /// <exception cref="KmsException">audit_unavailable: it is not recorded, so its answer does not leave.</exception>
    public async Task<T> Run<T>(KmsOperation operation, Caller caller, AuditSubject subject, Func<Task<T>> work)
    {
        T answer;
        try
        {
            answer = await work();
        }
        catch (KmsException refusal)
        {
            await Keep(operation, caller, subject, refusal.Code);
            refusal.IsRecorded = true;
            throw;
        }

        await Keep(operation, caller, subject, AuditRecord.Ok);
        return answer;
    }

    private ValueTask Keep(KmsOperation operation, Caller caller, AuditSubject subject, string outcome) =>
        _log is null ? ValueTask.CompletedTask : _log.Write(new(operation.Name, outcome)
        {
            Caller = caller,
            KeyId = subject.KeyId,
            Alias = subject.Alias,
            Bytes = outcome == AuditRecord.Ok ? subject.Bytes : null,
            Items = subject.Items,
            Revision = subject.Revision,
            Detail = subject.Detail,
        });
}
