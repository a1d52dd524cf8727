using System.Security.Cryptography;

namespace OrleansKms;

/// <summary>
/// Proves to a silo that an administrator made the request: the token that came with it. A silo trusts what a gateway says about
/// itself, but not that it speaks for an administrator. Never logged, never stored.
/// </summary>
/// <param name="Token">The bytes of the token's text.</param>
[GenerateSerializer, Immutable, Alias("okms.AdministratorProof")]
public sealed record AdministratorProof([property: Id(0)] byte[] Token)
{
    private const int MaxLength = 1024;

    /// <summary>Whether this is the token's SHA-256, compared in constant time.</summary>
    public bool Matches(ReadOnlySpan<byte> tokenSha256)
    {
        if (Token is not { Length: > 0 and <= MaxLength }) return false;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Token, hash);
        return CryptographicOperations.FixedTimeEquals(hash, tokenSha256);
    }

    /// <summary>Omits the token.</summary>
    public override string ToString() => nameof(AdministratorProof);
}
