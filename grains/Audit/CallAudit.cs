using Microsoft.Extensions.DependencyInjection;

namespace OrleansKms.Grains.Audit;

/// <summary>What a call was about, for its record. The operation fills it in as it goes.</summary>
public sealed class AuditSubject
{
    /// <summary>The key.</summary>
    public string? KeyId { get; set; }

    /// <summary>The alias.</summary>
    public string? Alias { get; set; }

    /// <summary>Bytes of plaintext, or of random output.</summary>
    public long? Bytes { get; set; }

    /// <summary>The number of items processed or listed.</summary>
    public int? Items { get; set; }

    /// <summary>The row's revision after a change.</summary>
    public long? Revision { get; set; }

    /// <summary>Anything else it was about, for example a policy's name. Never a secret.</summary>
    public string? Detail { get; set; }
}

/// <summary>
/// How every grain except the key's, which has its own gate, records its callers' operations: once each, allowed or refused, before the
/// answer leaves.
/// </summary>
public sealed class CallAudit(IServiceProvider services)
{
    private readonly AuditLog? _log = services.GetService<AuditLog>() is { IsOn: true } log ? log : null;

    /// <summary>Refuses a change whose record could not be written. Call it before making the change.</summary>
    /// <exception cref="KmsException">audit_unavailable.</exception>
    public void RequireRoom()
    {
        if (_log is { IsWritable: false })
        {
            throw KmsError.AuditUnavailable.Exception("The change was not made, because the audit trail cannot be written; try again once it can.");
        }
    }

    /// <summary>Runs an operation and records its outcome.</summary>
    /// <param name="operation">The requested operation.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="subject">What it is about.</param>
    /// <param name="work">The operation. Exceptions other than <see cref="KmsException"/> are the sender's to record.</param>
    /// <exception cref="KmsException">audit_unavailable: it was not recorded, so the answer is withheld.</exception>
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
