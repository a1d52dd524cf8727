using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Signatures of one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 5, below which no key
/// signs. Every method fails with <c>wrong_key_usage</c> for a key of another usage.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeySignaturesGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeySignaturesGrain : IGrainWithStringKey
{
    /// <summary>Signs with the primary version; spends one use. Errors: unsupported_algorithm, invalid_parameter.</summary>
    [Alias("Sign"), Operation("keys:sign")] ValueTask<Signature> Sign(Sign request);

    /// <summary>
    /// Verifies. A signature that is not valid is an answer, not an error. Errors: unsupported_algorithm, invalid_parameter;
    /// not_found, version_not_usable for the version that the request names.
    /// </summary>
    [Alias("Verify"), Operation("keys:verify"), AlwaysInterleave] ValueTask<Verified> Verify(Verify request);

    /// <summary>Signs many items in order; spends a use for each.</summary>
    [Alias("SignBatch"), Operation("keys:sign")] ValueTask<ItemResult<Signature>[]> SignBatch(SignBatch request);

    /// <summary>Verifies many items in order.</summary>
    [Alias("VerifyBatch"), Operation("keys:verify"), AlwaysInterleave] ValueTask<ItemResult<Verified>[]> VerifyBatch(VerifyBatch request);
}
