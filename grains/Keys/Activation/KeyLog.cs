using Microsoft.Extensions.Logging;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>What a silo logs about keys. Changes have a log of their own: <see cref="ChangeLines"/>.</summary>
internal static partial class KeyLog
{
    [LoggerMessage(LogLevel.Warning, "key {KeyId}: another activation wrote; this one ends")]
    public static partial void LostRace(this ILogger logger, string keyId);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: storage failed, outcome unknown: {OutcomeUnknown}")]
    public static partial void StorageFailed(this ILogger logger, string keyId, bool outcomeUnknown, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: exact counters were not saved; the count resumes at the reserved ceiling")]
    public static partial void CountersNotSaved(this ILogger logger, string keyId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: material of {Count} destroyed versions is still to be erased")]
    public static partial void ErasePending(this ILogger logger, string keyId, int count, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: reminder storage failed")]
    public static partial void ReminderStorageFailed(this ILogger logger, string keyId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: the deletion reminder found {Code}")]
    public static partial void ReminderFailed(this ILogger logger, string keyId, string code);

    [LoggerMessage(LogLevel.Warning,
        "key {KeyId}: the rotation due at {DueAt} failed ({Reason}); the key continues under version {Version} until a retry "
            + "succeeds")]
    public static partial void RotationPutOff(this ILogger logger, string keyId, DateTimeOffset? dueAt, int version, string reason);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: lists of approvals may name the key although it has no pending approval")]
    public static partial void ApprovalIndexBehind(this ILogger logger, string keyId, Exception exception);

    [LoggerMessage(LogLevel.Error, "key {KeyId}: unexpected failure")]
    public static partial void Unexpected(this ILogger logger, string keyId, Exception exception);
}
