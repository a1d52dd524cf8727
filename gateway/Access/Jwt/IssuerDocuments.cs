using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>
/// Fetches an issuer's key set. Requests use HTTPS (except on loopback) and a time-out; responses are limited in size, and redirects are
/// not followed.
/// </summary>
internal static class IssuerDocuments
{
    /// <summary>The time-out for the whole fetch.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private const int MaxDiscoveryBytes = 64 * 1024;
    private const int MaxTokenLength = 16 * 1024;

    /// <summary>Fetches the key set.</summary>
    public static async Task<byte[]> ReadKeys(JwtIssuer issuer, CancellationToken cancellation)
    {
        if (issuer.KeyFile is { } path) return await ReadFile(path, IssuerKeySet.MaxBytes, cancellation);
        // Fetches are rare, so a new handler each time picks up replaced authorities.
        using var handler = Handler(issuer);
        var token = issuer.TokenFile is { } file ? await ReadToken(file, cancellation) : null;
        if (issuer.KeyAddress is { } configured) return await Get(handler, configured, token, IssuerKeySet.MaxBytes, cancellation);
        var discovery = issuer.Discovery!;
        var found = KeysIn(await Get(handler, discovery, token, MaxDiscoveryBytes, cancellation), issuer);
        // The document must not choose who gets the token.
        return await Get(handler, found, IsSameOrigin(found, discovery) ? token : null, IssuerKeySet.MaxBytes, cancellation);
    }

    private static bool IsSameOrigin(Uri left, Uri right) =>
        Uri.Compare(left, right, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static SocketsHttpHandler Handler(JwtIssuer issuer)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = Patience };
        if (issuer.AuthorityFile is not { } path) return handler;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        handler.SslOptions.CertificateChainPolicy = policy;
        return handler;
    }

    private static async Task<byte[]> Get(SocketsHttpHandler handler, Uri address, string? token, int maxBytes, CancellationToken cancellation)
    {
        using var client = new HttpClient(handler, disposeHandler: false) { MaxResponseContentBufferSize = maxBytes, Timeout = Patience };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return await client.GetByteArrayAsync(address, cancellation);
    }

    /// <summary>The address of the keys in a discovery document.</summary>
    // Accepting another issuer's document would let it sign for this one (OpenID Connect Discovery 1.0, 4.3).
    internal static Uri KeysIn(byte[] json, JwtIssuer issuer)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 16 });
            var root = document.RootElement;
            if (Text(root, "issuer") != issuer.Name) throw new InvalidDataException("The discovery document belongs to another issuer.");
            if (!Uri.TryCreate(Text(root, "jwks_uri"), UriKind.Absolute, out var keys) || !JwtIssuerText.IsProtected(keys))
            {
                throw new InvalidDataException("The discovery document has no https address of keys.");
            }

            // Another host's document must not have this process ask its own.
            return keys.IsLoopback && !issuer.Discovery!.IsLoopback
                ? throw new InvalidDataException("The discovery document names keys on this host.")
                : keys;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException("The discovery document is not JSON.");
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static async Task<string> ReadToken(string path, CancellationToken cancellation)
    {
        var token = System.Text.Encoding.ASCII.GetString(await ReadFile(path, MaxTokenLength, cancellation)).Trim();
        return token.Length > 0 && token.All(c => c is > ' ' and <= '~') ? token : throw new InvalidDataException($"There is no token in {path}");
    }

    private static async Task<byte[]> ReadFile(string path, int maxBytes, CancellationToken cancellation) =>
        new FileInfo(path).Length <= maxBytes
            ? await File.ReadAllBytesAsync(path, cancellation)
            : throw new InvalidDataException($"The file is too long: {path}");
}
