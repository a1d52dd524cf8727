using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Gateway.Security;

/// <summary>
/// The administrator's token. Only its SHA-256 is known here, and comparing hashes in constant time tells nothing about the
/// token: the time does not depend on how much of it was right.
/// </summary>
internal sealed class AdministratorToken(GatewayOptions options) : IPrincipalSource
{
    private const int MaxTokenLength = 256;
    private static readonly Principal _administrator = new("admin", isAdministrator: true);
    private readonly byte[] _expected = options.AdministratorTokenSha256
        ?? throw new InvalidOperationException("internal error: no administrator's token was set.");

    public Principal? Find(ReadOnlySpan<char> token) => Match(token, _expected);

    /// <summary>The administrator, if the token is the one with this hash.</summary>
    public static Principal? Match(ReadOnlySpan<char> token, ReadOnlySpan<byte> expectedSha256)
    {
        if (token.Length is 0 or > MaxTokenLength)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[MaxTokenLength * 3];
        var length = Encoding.UTF8.GetBytes(token, bytes);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..length], hash);
        CryptographicOperations.ZeroMemory(bytes[..length]);
        return CryptographicOperations.FixedTimeEquals(hash, expectedSha256) ? _administrator : null;
    }
}
