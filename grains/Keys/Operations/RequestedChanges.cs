using System.Collections.Frozen;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>The changes that callers can request of a key, by operation.</summary>
internal static class RequestedChanges
{
    private static readonly FrozenDictionary<string, Func<RequestedOperation, KeyChange>> _changes =
        new Dictionary<KmsOperation, Func<RequestedOperation, KeyChange>>
        {
            [KmsOperation.UpdateKey] = request => new KeyUpdate(request),
            [KmsOperation.SetKeyPolicy] = request => new KeyPolicyChange(request),
            [KmsOperation.RemoveKeyPolicy] = request => new KeyPolicyRemoval(request),
            [KmsOperation.RotateKey] = request => new KeyRotationByHand(request),
            [KmsOperation.MakeImportParameters] = request => new GrantedOperation(request),
            [KmsOperation.ExportKey] = request => new GrantedOperation(request),
            [KmsOperation.EnableKey] = request => new StateChange(request),
            [KmsOperation.DisableKey] = request => new StateChange(request),
            [KmsOperation.EnableVersion] = request => new VersionStateChange(request),
            [KmsOperation.DisableVersion] = request => new VersionStateChange(request),
            [KmsOperation.ScheduleDeletion] = request => new DeletionSchedule(request),
            [KmsOperation.CancelDeletion] = request => new DeletionCancellation(request),
            [KmsOperation.ScheduleDestruction] = request => new DestructionSchedule(request),
            [KmsOperation.CancelDestruction] = request => new DestructionCancellation(request),
        }.ToFrozenDictionary(row => row.Key.Name, row => row.Value, StringComparer.Ordinal);

    /// <summary>The operations.</summary>
    public static IEnumerable<string> Operations => _changes.Keys;

    /// <summary>The requested change.</summary>
    public static KeyChange Of(RequestedOperation request) => _changes.TryGetValue(request.Operation, out var make)
        ? make(request)
        : throw new InvalidOperationException($"internal error: {request.Operation} is not a change of a key.");
}
