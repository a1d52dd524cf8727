namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// An issuer whose JWTs (RFC 7519) sign callers in. Its public keys come from OpenID Connect Discovery 1.0, or from a JSON Web Key Set
/// (RFC 7517) at an address or in a file.
/// </summary>
public sealed record JwtIssuer
{
    /// <summary>The algorithms that are accepted unless the operator names others.</summary>
    public static IReadOnlyList<string> DefaultAlgorithms { get; } = ["RS256", "PS256", "ES256"];

    /// <summary>
    /// Every algorithm that can be named (RFC 7518). All have key pairs, so a public key never serves as an HMAC's secret, and
    /// <c>none</c> cannot be allowed.
    /// </summary>
    public static IReadOnlyList<string> AllAlgorithms { get; } =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    /// <summary>The clock skew that is tolerated unless the operator says otherwise.</summary>
    public static TimeSpan DefaultSkew { get; } = TimeSpan.FromSeconds(30);

    /// <summary>The claim <c>iss</c>, compared character by character.</summary>
    public required string Name { get; init; }

    /// <summary>The audiences of this service, one of which the claim <c>aud</c> must contain.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>The algorithms that are accepted.</summary>
    public IReadOnlyList<string> Algorithms { get; init; } = DefaultAlgorithms;

    /// <summary>How far the issuer's clock may be off.</summary>
    public TimeSpan Skew { get; init; } = DefaultSkew;

    /// <summary>The address of the discovery document, which names the address of the keys; null where the keys' own place is known.</summary>
    public Uri? Discovery { get; init; }

    /// <summary>The address of the key set.</summary>
    public Uri? KeyAddress { get; init; }

    /// <summary>The path of the key set; it is read again every few seconds.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The path of the authority, in PEM, that vouches for the issuer's server; null for those that the system trusts.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>The path of a bearer token that the issuer's server asks for, as Kubernetes does; it is read each time.</summary>
    public string? TokenFile { get; init; }
}
