namespace OrleansKms.Gateway.Operations;

/// <summary>Judges the items of one request by the caller's policies; the default lets all of them pass.</summary>
/// <param name="Call">The request.</param>
/// <param name="Operation">The operation on each.</param>
/// <param name="KeyId">The key.</param>
/// <param name="Context">The context without an item.</param>
internal readonly record struct ItemJudge(Call? Call, KmsOperation Operation, string KeyId, AccessContext Context)
{
    /// <summary>Why an item is refused, or null.</summary>
    public KmsException? Refusal(byte[]? associatedData, CiphertextKind kind) =>
        Call is null || Call.Decide(Operation, KeyId, Context.With(associatedData, kind)) == AccessDecision.Allowed
            ? null
            : KmsError.PermissionDenied.Exception();

    /// <summary>Why an item with a ciphertext is refused, or null.</summary>
    public KmsException? Refusal(DecryptItem item) => Refusal(item.AssociatedData, AccessContext.KindOf(item.Ciphertext, item.Raw));
}
