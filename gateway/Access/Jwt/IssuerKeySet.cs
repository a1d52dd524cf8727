using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>
/// The verification keys in an issuer's JSON Web Key Set (RFC 7517). Only the numbers of public keys are used: symmetric keys,
/// certificates and keys for other purposes are ignored.
/// </summary>
internal sealed class IssuerKeySet
{
    /// <summary>The maximum length of a set, in bytes.</summary>
    public const int MaxBytes = 256 * 1024;

    private const int MaxKeys = 100;
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 8192;
    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };
    private static readonly string[] _rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    private static readonly Dictionary<string, (ECCurve Curve, string Algorithm)> _curves = new(StringComparer.Ordinal)
    {
        ["P-256"] = (ECCurve.NamedCurves.nistP256, "ES256"),
        ["P-384"] = (ECCurve.NamedCurves.nistP384, "ES384"),
        ["P-521"] = (ECCurve.NamedCurves.nistP521, "ES512"),
    };

    private readonly IReadOnlyList<IssuerKey> _keys;
    private readonly byte[] _sha256;

    private IssuerKeySet(IReadOnlyList<IssuerKey> keys, byte[] sha256) => (_keys, _sha256) = (keys, sha256);

    /// <summary>The number of usable keys.</summary>
    public int Count => _keys.Count;

    /// <summary>Parses a key set.</summary>
    /// <exception cref="InvalidDataException">It is not a key set.</exception>
    public static IssuerKeySet Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, _strict);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("keys", out var keys) && keys.ValueKind == JsonValueKind.Array
                && keys.GetArrayLength() <= MaxKeys
                ? new([.. keys.EnumerateArray().Select(Read).OfType<IssuerKey>()], SHA256.HashData(json.Span))
                : throw new InvalidDataException("The document is not a JSON Web Key Set.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException("The document is not JSON.");
        }
    }

    /// <summary>Whether both were parsed from the same document.</summary>
    public bool IsSame(IssuerKeySet other) => _sha256.AsSpan().SequenceEqual(other._sha256);

    /// <summary>The only key that a token can be signed with; null if there is none, or more than one.</summary>
    /// <param name="keyId">The token's key id, if it has one.</param>
    /// <param name="algorithm">The token's algorithm.</param>
    public IssuerKey? Find(string? keyId, string algorithm)
    {
        IssuerKey? found = null;
        foreach (var key in _keys)
        {
            if (!key.Algorithms.Contains(algorithm) || (keyId is not null && key.Id != keyId)) continue;
            // Ambiguous: at most one signature check per token.
            if (found is not null) return null;
            found = key;
        }

        return found;
    }

    private static IssuerKey? Read(JsonElement key)
    {
        try
        {
            if (key.ValueKind != JsonValueKind.Object || !Verifies(key)) return null;
            var id = Text(key, "kid");
            var (algorithms, security) = Text(key, "kty") switch
            {
                "RSA" => Rsa(key),
                "EC" => Ec(key),
                _ => default,
            };
            if (security is null) return null;
            return Text(key, "alg") is not { } only ? new(id, algorithms, security)
                : algorithms.Contains(only) ? new(id, [only], security)
                : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException or InvalidOperationException)
        {
            // A malformed key does not invalidate the others.
            return null;
        }
    }

    private static bool Verifies(JsonElement key) =>
        Text(key, "use") is null or "sig"
        && (!key.TryGetProperty("key_ops", out var operations)
            || (operations.ValueKind == JsonValueKind.Array && operations.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && one.ValueEquals("verify"))));

    private static (IReadOnlyList<string> Algorithms, AsymmetricSecurityKey? Key) Rsa(JsonElement key)
    {
        var numbers = new RSAParameters { Modulus = Number(key, "n"), Exponent = Number(key, "e") };
        using var rsa = RSA.Create(numbers);
        return rsa.KeySize is >= MinRsaBits and <= MaxRsaBits ? (_rsa, new RsaSecurityKey(numbers)) : default;
    }

    private static (IReadOnlyList<string> Algorithms, AsymmetricSecurityKey? Key) Ec(JsonElement key) =>
        Text(key, "crv") is { } name && _curves.TryGetValue(name, out var curve)
            // Rejects a point that is not on the curve.
            ? ([curve.Algorithm], new ECDsaSecurityKey(ECDsa.Create(new ECParameters
            {
                Curve = curve.Curve,
                Q = new ECPoint { X = Number(key, "x"), Y = Number(key, "y") },
            })))
            : default;

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[] Number(JsonElement json, string name) => Base64Url.DecodeFromChars(Text(json, name) ?? throw new FormatException());
}
