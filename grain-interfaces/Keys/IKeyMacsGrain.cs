using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Message authentication codes of one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 5.
/// Every method fails with <c>wrong_key_usage</c> for a key of another usage.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyMacsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyMacsGrain : IGrainWithStringKey
{
    /// <summary>Makes a MAC with the primary version; spends one use.</summary>
    [Alias("Generate"), Operation("keys:mac")] ValueTask<GeneratedMac> Generate(GenerateMac request);

    /// <summary>
    /// Verifies. A MAC that is not valid is an answer, not an error. Errors: invalid_parameter for one of another length; not_found,
    /// version_not_usable for the version that the request names.
    /// </summary>
    [Alias("Verify"), Operation("keys:verify-mac"), AlwaysInterleave] ValueTask<Verified> Verify(VerifyMac request);

    /// <summary>Makes many MACs in order; spends a use for each.</summary>
    [Alias("GenerateBatch"), Operation("keys:mac")] ValueTask<ItemResult<GeneratedMac>[]> GenerateBatch(GenerateMacBatch request);

    /// <summary>Verifies many items in order.</summary>
    [Alias("VerifyBatch"), Operation("keys:verify-mac"), AlwaysInterleave] ValueTask<ItemResult<Verified>[]> VerifyBatch(VerifyMacBatch request);
}
