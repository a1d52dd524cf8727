namespace OrleansKms;

/// <summary>The public key of one version, and what it is for.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Spec">The key spec.</param>
/// <param name="Usage">What the key may be used for.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), DER.</param>
[GenerateSerializer, Immutable, Alias("okms.PublicKeyDescription")]
public sealed record PublicKeyDescription(
    [property: Id(0)] int KeyVersion, [property: Id(1)] string Spec, [property: Id(2)] KeyUsage Usage, [property: Id(3)] byte[] PublicKey)
{
    /// <summary>As in <see cref="KeyDescription.Algorithms"/>.</summary>
    [Id(4)] public string[]? Algorithms { get; init; }

    /// <summary>The same as a JSON Web Key, or null where the spec has no such form.</summary>
    [Id(5)] public PublicJwk? Jwk { get; init; }

    /// <summary>Names the version and the spec.</summary>
    public override string ToString() => $"PublicKeyDescription {{ KeyVersion = {KeyVersion}, Spec = {Spec} }}";
}
