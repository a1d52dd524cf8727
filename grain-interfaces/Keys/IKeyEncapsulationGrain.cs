namespace OrleansKms;

/// <summary>
/// Key encapsulation with one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 6.
/// Every method fails with <c>wrong_key_usage</c> for a key of another usage.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyEncapsulationGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyEncapsulationGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes a secret and encapsulates it for the primary version, with its public key alone: spends nothing, and is counted as a
    /// verification is. Whoever has the public key (<see cref="IPublicKeyGrain"/>) can do the same without a call.
    /// </summary>
    [Alias("Encapsulate"), Operation("keys:encapsulate")] ValueTask<Encapsulated> Encapsulate(Encapsulate request);

    /// <summary>
    /// Finds an encapsulated secret; spends one use of the version. Errors: invalid_ciphertext, only for one of the wrong length;
    /// not_found, version_not_usable for the version that the request names.
    /// </summary>
    [Alias("Decapsulate"), Operation("keys:decapsulate")] ValueTask<Decapsulated> Decapsulate(Decapsulate request);
}
