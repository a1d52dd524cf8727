using System.Buffers.Text;

namespace OrleansKms;

/// <summary>The members of a public JSON Web Key (RFC 7517); null for those that its type lacks. Numbers are base64url.</summary>
/// <param name="KeyType"><c>kty</c>: RSA, EC, OKP or AKP.</param>
[GenerateSerializer, Immutable, Alias("okms.PublicJwk")]
public sealed record PublicJwk([property: Id(0)] string KeyType)
{
    /// <summary><c>crv</c>.</summary>
    [Id(1)] public string? Curve { get; init; }
    /// <summary><c>alg</c>, where the key has but one.</summary>
    [Id(2)] public string? Algorithm { get; init; }
    /// <summary><c>x</c>.</summary>
    [Id(3)] public string? X { get; init; }
    /// <summary><c>y</c>.</summary>
    [Id(4)] public string? Y { get; init; }
    /// <summary><c>n</c>: an RSA modulus.</summary>
    [Id(5)] public string? Modulus { get; init; }
    /// <summary><c>e</c>: an RSA exponent.</summary>
    [Id(6)] public string? Exponent { get; init; }
    /// <summary><c>pub</c>: the public key of an algorithm key pair.</summary>
    [Id(7)] public string? Public { get; init; }

    /// <summary>The text of a number, as JSON Web Keys have it: base64url without padding.</summary>
    public static string? Text(byte[]? number) => number is null ? null : Base64Url.EncodeToString(number);

    /// <summary>Names the key's type.</summary>
    public override string ToString() => $"PublicJwk {{ KeyType = {KeyType} }}";
}
