namespace OrleansKms;

/// <summary>
/// Derivation and agreement with one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 5.
/// Every method fails with <c>wrong_key_usage</c> for a key of another usage.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyDerivationGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyDerivationGrain : IGrainWithStringKey
{
    /// <summary>
    /// Derives; spends one use of the version. Errors: invalid_parameter, also for a public key that is none of the key's kind, lies not
    /// on the curve or leads to a secret of zeros; not_found, version_not_usable for the version that the request names.
    /// </summary>
    [Alias("Derive"), Operation("keys:derive")] ValueTask<Derived> Derive(Derive request);
}
