using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Grains.Keys;

/// <summary>Where the lines about changes go, as far as code that makes changes must know it.</summary>
public interface IChangeSink
{
    /// <summary>Whether there is room for the lines of more changes.</summary>
    bool HasRoom { get; }

    /// <summary>Completes when the lines of all changes so far are written, or after a short time-out.</summary>
    Task Written();
}

/// <summary>
/// The lines that tell a restore what the backup does not know (deploy/restore/changes-since.jq). They have a log category of
/// their own, which no level suppresses and which is never dropped. A change whose line would have no room is refused before it
/// is made, and a change is answered only after its line was written.
/// </summary>
public sealed partial class ChangeLines(ILoggerFactory loggers, IServiceProvider services)
{
    /// <summary>The category of the lines.</summary>
    public const string Category = "OrleansKms.Grains.Changes";

    private readonly ILogger _logger = loggers.CreateLogger(Category);
    private readonly IChangeSink? _sink = services.GetService<IChangeSink>();
    private readonly AuditLog? _audit = services.GetService<AuditLog>();

    /// <summary>Whether a change may be made.</summary>
    public bool HasRoom => (_sink?.HasRoom ?? true) && _audit is null or { IsWritable: true };

    /// <summary>Refuses a change whose line could not be kept; call it before doing anything.</summary>
    /// <exception cref="KmsException">audit_unavailable.</exception>
    public void RequireRoom()
    {
        if (!HasRoom) throw KmsError.AuditUnavailable.Exception("The change was not made, because nobody reads the log or the audit trail cannot be written; try again once that is fixed.");
    }

    /// <summary>Reports a committed change of a key.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="version">The primary version.</param>
    /// <param name="changedVersion">
    /// The version that changed; for an update, the new minimum version that decrypts. Null for none.
    /// </param>
    /// <param name="revision">The revision of the key's row.</param>
    /// <param name="caller">The caller.</param>
    public Task KeyChanged(string keyId, string operation, int version, int? changedVersion, long revision, Caller caller)
    {
        if (changedVersion is { } changed) LogVersionChanged(keyId, operation, changed, version, caller.Principal, caller.RequestId);
        else LogChanged(keyId, operation, version, caller.Principal, caller.RequestId);
        return caller == KeyServices.Self && _audit is { IsOn: true } audit
            ? KeepOwn(audit, new($"keys:{operation}", AuditRecord.Ok) { Caller = caller, KeyId = keyId, KeyVersion = changedVersion ?? version, Revision = revision })
            : Written();
    }

    /// <summary>Reports a step of a pending approval.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="approvalId">The approval.</param>
    /// <param name="step">What happened to it.</param>
    /// <param name="guarded">The operation that needs approval.</param>
    /// <param name="revision">The revision of the key's row.</param>
    /// <param name="caller">Who did it.</param>
    public Task ApprovalChanged(string keyId, string approvalId, string step, string guarded, long revision, Caller caller)
    {
        LogApproval(keyId, approvalId, step, guarded, caller.Principal, caller.RequestId);
        return caller == KeyServices.Self && _audit is { IsOn: true } audit
            ? KeepOwn(audit, new($"approvals:{step}", AuditRecord.Ok) { Caller = caller, KeyId = keyId, Revision = revision, Detail = approvalId })
            : Written();
    }

    /// <summary>
    /// Reports that an approved operation was carried out. Its own line is written already; its audit record names the requester, while that
    /// of the approval names the approver.
    /// </summary>
    /// <param name="keyId">The key.</param>
    /// <param name="approvalId">The approval.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="version">The version that was used or changed.</param>
    /// <param name="revision">The revision of the key's row.</param>
    /// <param name="asker">The requester.</param>
    public Task CarriedOut(string keyId, string approvalId, KmsOperation operation, int version, long revision, Caller asker)
    {
        LogApproval(keyId, approvalId, "execute", operation.Name, asker.Principal, asker.RequestId);
        return _audit is { IsOn: true } audit
            ? KeepOwn(audit, new(operation.Name, AuditRecord.Ok)
            {
                Caller = asker,
                KeyId = keyId,
                KeyVersion = version,
                Revision = revision,
                Detail = approvalId,
            })
            : Written();
    }

    /// <summary>Reports that an alias was created or points elsewhere.</summary>
    public Task AliasPointed(string alias, string keyId, Caller caller)
    {
        LogPointed(alias, keyId, caller.Principal, caller.RequestId);
        return Written();
    }

    /// <summary>Reports that an alias was removed.</summary>
    public Task AliasRemoved(string alias, Caller caller)
    {
        LogRemoved(alias, caller.Principal, caller.RequestId);
        return Written();
    }

    /// <summary>Reports a change of who may do what.</summary>
    /// <param name="subject">What changed: <c>principal:</c> or <c>policy:</c> and its name.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="detail">Anything else, such as a token's id; never a secret.</param>
    public Task AccessChanged(string subject, KmsOperation operation, Caller caller, string? detail = null)
    {
        LogAccessChanged(subject, operation.Verb, detail ?? "-", caller.Principal, caller.RequestId);
        return Written();
    }

    /// <summary>Records what a key does by itself, which does not pass through the recorder.</summary>
    private async Task KeepOwn(AuditLog audit, AuditRecord record)
    {
        await Written();
        await audit.Write(record);
    }

    private Task Written() => _sink?.Written() ?? Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "key {KeyId}: {Operation}, primary version {Version}, by {Principal}, request {RequestId}")]
    private partial void LogChanged(string keyId, string operation, int version, string principal, string requestId);

    [LoggerMessage(LogLevel.Information,
        "key {KeyId}: {Operation} of version {ChangedVersion}, primary version {Version}, by {Principal}, request {RequestId}")]
    private partial void LogVersionChanged(
        string keyId, string operation, int changedVersion, int version, string principal, string requestId);

    [LoggerMessage(LogLevel.Information, "key {KeyId}: approval {ApprovalId}: {Step} of {Guarded}, by {Principal}, request {RequestId}")]
    private partial void LogApproval(string keyId, string approvalId, string step, string guarded, string principal, string requestId);

    [LoggerMessage(LogLevel.Information, "alias {Alias}: stands for {KeyId}, by {Principal}, request {RequestId}")]
    private partial void LogPointed(string alias, string keyId, string principal, string requestId);

    [LoggerMessage(LogLevel.Information, "access {Subject}: {Operation}, {Detail}, by {Principal}, request {RequestId}")]
    private partial void LogAccessChanged(string subject, string operation, string detail, string principal, string requestId);

    [LoggerMessage(LogLevel.Information, "alias {Alias}: removed by {Principal}, request {RequestId}")]
    private partial void LogRemoved(string alias, string principal, string requestId);
}
