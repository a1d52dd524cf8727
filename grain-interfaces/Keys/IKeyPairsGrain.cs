using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Data key pairs of one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 5. Every method
/// fails with <c>wrong_key_usage</c> for a key of another usage.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyPairsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyPairsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Generates a data key pair; spends one use. The key goes on with other calls while the pair is made. Errors:
    /// unsupported_algorithm, overloaded.
    /// </summary>
    [Alias("Generate"), Operation("keys:datakey-pair"), AlwaysInterleave] ValueTask<DataKeyPair> Generate(GenerateDataKeyPair request);
}
