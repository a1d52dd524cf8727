using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>
/// The unverified content of a token. Parsing is strict (RFC 7515, 7519, 8725): anything that two parsers could read differently, or that
/// needs more than a signature check, is rejected. Embedded keys (<c>jwk</c>, <c>jku</c>, <c>x5u</c>, <c>x5c</c>) are ignored.
/// </summary>
internal sealed record JwtForm
{
    /// <summary>The maximum length of a token, in characters.</summary>
    public const int MaxLength = 16 * 1024;

    private const int MaxKeyIdLength = 256;
    private const int MaxAudiences = 64;

    // In the year 9999, and a skew can be added to it.
    private const double MaxTime = 253_402_000_000;

    private static readonly SearchValues<char> _alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static readonly JsonDocumentOptions _strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    // Critical extensions, nested tokens, encryption and compression are not supported.
    private static readonly string[] _foreignHeaders = ["crit", "b64", "cty", "enc", "zip"];

    // Logout tokens and other security events (RFC 8417), ID tokens of a login, and tokens bound to a key (RFC 7800), which prove
    // nothing without a proof of that key.
    private static readonly string[] _foreignClaims = ["events", "nonce", "at_hash", "c_hash", "s_hash", "cnf"];

    private static readonly string[] _types = ["JWT", "at+jwt", "JOSE"];

    /// <summary><c>alg</c>.</summary>
    public required string Algorithm { get; init; }

    /// <summary><c>kid</c>; null for none.</summary>
    public required string? KeyId { get; init; }

    /// <summary><c>iss</c>.</summary>
    public required string Issuer { get; init; }

    /// <summary><c>sub</c>.</summary>
    public required string Subject { get; init; }

    /// <summary><c>aud</c>.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary><c>exp</c>, UTC.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary><c>nbf</c>, UTC; null for none.</summary>
    public required DateTimeOffset? NotBefore { get; init; }

    /// <summary>Whether a text has the outer form of a token; cheap, without decoding it.</summary>
    public static bool MayBe(ReadOnlySpan<char> text) =>
        text.Length is > 16 and <= MaxLength && text.StartsWith("ey", StringComparison.Ordinal) && text.Count('.') == 2 && !text.ContainsAnyExcept(_alphabet);

    /// <summary>Parses a token.</summary>
    /// <param name="text">A text for which <see cref="MayBe"/> returned true.</param>
    /// <returns>Null if no issuer's token may look like this.</returns>
    public static JwtForm? Read(string text)
    {
        var first = text.IndexOf('.', StringComparison.Ordinal);
        var last = text.LastIndexOf('.');
        try
        {
            using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(text.AsSpan(0, first)), _strict);
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(text.AsSpan(first + 1, last - first - 1)), _strict);
            return Read(header.RootElement, claims.RootElement);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            // Not base64url, not JSON, or invalid Unicode.
            return null;
        }
    }

    /// <summary>Whether a token's times include now.</summary>
    /// <param name="from"><c>nbf</c>, UTC; null for none.</param>
    /// <param name="to"><c>exp</c>, UTC.</param>
    /// <param name="skew">By how much the clocks may differ.</param>
    /// <param name="now">The time, UTC.</param>
    public static bool IsWithin(DateTimeOffset? from, DateTimeOffset to, TimeSpan skew, DateTimeOffset now) =>
        now < to + skew && (from is not { } begin || now >= begin - skew);

    private static JwtForm? Read(JsonElement header, JsonElement claims)
    {
        if (header.ValueKind != JsonValueKind.Object || claims.ValueKind != JsonValueKind.Object) return null;
        if (HasAny(header, _foreignHeaders) || HasAny(claims, _foreignClaims) || !IsAccessToken(header)) return null;
        if (!TryText(header, "kid", MaxKeyIdLength, out var keyId) || !TryTime(claims, "nbf", out var notBefore)) return null;
        return TryText(header, "alg", MaxKeyIdLength, out var algorithm) && algorithm is not null
            && TryText(claims, "iss", KmsLimits.IdentityLength, out var issuer) && issuer is not null
            && TryText(claims, "sub", KmsLimits.IdentityLength, out var subject) && subject is not null
            && TryTime(claims, "exp", out var expiresAt) && expiresAt is not null
            && AudiencesOf(claims) is { } audiences
            ? new JwtForm
            {
                Algorithm = algorithm,
                KeyId = keyId,
                Issuer = issuer,
                Subject = subject,
                Audiences = audiences,
                ExpiresAt = expiresAt.Value,
                NotBefore = notBefore,
            }
            : null;
    }

    private static bool HasAny(JsonElement json, string[] names) => Array.Exists(names, name => json.TryGetProperty(name, out _));

    // Many issuers set no type, or just JWT (SPIFFE also JOSE). Any other type is a token for another purpose (RFC 9068, RFC 8725 3.11).
    private static bool IsAccessToken(JsonElement header)
    {
        const string Media = "application/";
        if (!header.TryGetProperty("typ", out var typ)) return true;
        if (typ.ValueKind != JsonValueKind.String) return false;
        var name = typ.GetString()!;
        if (name.StartsWith(Media, StringComparison.OrdinalIgnoreCase)) name = name[Media.Length..];
        return _types.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    private static bool TryText(JsonElement json, string name, int maxLength, out string? text)
    {
        text = null;
        if (!json.TryGetProperty(name, out var value)) return true;
        if (value.ValueKind != JsonValueKind.String) return false;
        text = value.GetString()!;
        return text.Length > 0 && text.Length <= maxLength && !text.Any(char.IsControl);
    }

    private static bool TryTime(JsonElement json, string name, out DateTimeOffset? time)
    {
        time = null;
        if (!json.TryGetProperty(name, out var value)) return true;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var seconds) || seconds is not (>= 0 and <= MaxTime)) return false;
        time = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
        return true;
    }

    private static string[]? AudiencesOf(JsonElement claims)
    {
        if (!claims.TryGetProperty("aud", out var value)) return null;
        if (value.ValueKind == JsonValueKind.String) return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MaxAudiences) return null;
        return value.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(one => one.GetString()!)]
            : null;
    }
}
