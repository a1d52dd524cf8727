using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// Parses OKMS_JWT_ISSUERS: issuers separated by semicolons or line breaks, each a name followed by fields <c>name=value</c>, separated by
/// spaces. A text without spaces is the path of a file with that content; lines that start with <c>#</c> are comments.
/// </summary>
internal static class JwtIssuerText
{
    /// <summary>The maximum number of issuers.</summary>
    public const int MaxIssuers = 32;

    private const string WellKnown = "/.well-known/openid-configuration";
    private const int MaxFileLength = 64 * 1024;
    private static readonly TimeSpan _maxSkew = TimeSpan.FromMinutes(5);

    /// <summary>Reads the setting; empty where it is not set.</summary>
    /// <exception cref="SettingException">It cannot be read; the message names what is wrong.</exception>
    public static IReadOnlyList<JwtIssuer> Read(SettingsReader reader)
    {
        if (reader.Text(SettingTable.JwtIssuers) is not { } text) return [];
        var lines = (text.Any(char.IsWhiteSpace) ? text : ReadFile(Path.GetFullPath(text)))
            .Split([';', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        JwtIssuer[] issuers = [.. lines.Where(line => !line.StartsWith('#')).Select(Parse)];
        if (issuers.Length is 0 or > MaxIssuers) throw Wrong($"must name 1 to {MaxIssuers} issuers.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        return Array.Find(issuers, issuer => !names.Add(issuer.Name)) is { } twice ? throw Wrong($"names {twice.Name} twice.") : issuers;
    }

    private static JwtIssuer Parse(string line)
    {
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var (name, fields) = (parts[0], ReadFields(parts));
        if (name.Length > KmsLimits.IdentityLength || name.Any(char.IsControl)) throw Wrong("has an issuer with too long a name.");
        var issuer = new JwtIssuer
        {
            Name = name,
            Audiences = Take(fields, "audience") is { } audiences
                ? Words(audiences, "audience")
                : throw Wrong($"has no audience= for {name}: without one, tokens for other services would sign in here."),
            Algorithms = Take(fields, "algorithms") is { } algorithms ? Algorithms(algorithms) : JwtIssuer.DefaultAlgorithms,
            Skew = Take(fields, "skew") is { } skew ? Skew(skew) : JwtIssuer.DefaultSkew,
            Discovery = Take(fields, "discovery") is { } discovery ? Address(discovery) : null,
            AuthorityFile = Take(fields, "ca") is { } authority ? Existing(authority) : null,
            TokenFile = Take(fields, "bearer") is { } token ? Existing(token) : null,
        };
        issuer = WithKeys(issuer, Take(fields, "jwks"));
        return fields.Count == 0 ? issuer : throw Wrong($"has an unknown field: {fields.Keys.First()}.");
    }

    private static Dictionary<string, string> ReadFields(string[] parts)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in parts.Skip(1))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at < 1 || at == part.Length - 1) throw Wrong($"has {part}, which is not a field. Issuers are separated by semicolons or line breaks.");
            if (!fields.TryAdd(part[..at], part[(at + 1)..])) throw Wrong($"has the field {part[..at]} twice for {parts[0]}.");
        }

        return fields;
    }

    private static JwtIssuer WithKeys(JwtIssuer issuer, string? keys)
    {
        if (keys is null) return issuer with { Discovery = issuer.Discovery ?? Address(issuer.Name.TrimEnd('/') + WellKnown) };
        if (issuer.Discovery is not null) throw Wrong($"has jwks= and discovery= for {issuer.Name}: use one of the two.");
        if (keys.Contains("://", StringComparison.Ordinal)) return issuer with { KeyAddress = Address(keys) };
        return issuer.AuthorityFile is null && issuer.TokenFile is null
            ? issuer with { KeyFile = Existing(keys) }
            : throw Wrong($"has ca= or bearer= for {issuer.Name}, whose keys are in a file.");
    }

    private static string[] Algorithms(string text)
    {
        var names = Words(text, "algorithms");
        return Array.TrueForAll(names, JwtIssuer.AllAlgorithms.Contains)
            ? names
            : throw Wrong($"has an algorithm other than {string.Join(", ", JwtIssuer.AllAlgorithms)}.");
    }

    private static string[] Words(string text, string field)
    {
        var words = text.Split(',');
        return words.Contains("") ? throw Wrong($"has an empty entry in {field}=.") : words;
    }

    private static TimeSpan Skew(string text) => Iso8601Duration.TryParse(text, out var skew) && skew >= TimeSpan.Zero && skew <= _maxSkew
        ? skew
        : throw Wrong($"has a skew= that is not PT0S to {Iso8601Duration.Format(_maxSkew)}.");

    private static Uri Address(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) && IsProtected(address)
        ? address
        : throw Wrong($"has an address that is not https: {text}. An issuer without one needs jwks=.");

    /// <summary>Whether keys may be fetched from there: HTTPS, or loopback, so that nobody can replace them on the way.</summary>
    public static bool IsProtected(Uri address) =>
        (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback)) && address.UserInfo.Length == 0;

    private static string? Take(Dictionary<string, string> fields, string name) => fields.Remove(name, out var value) ? value : null;

    private static string Existing(string path) =>
        File.Exists(path) ? Path.GetFullPath(path) : throw Wrong($"names a file that is missing or cannot be read: {path}");

    private static string ReadFile(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MaxFileLength ? File.ReadAllText(path) : throw Wrong($"names a file that is too long: {path}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Wrong($"names neither an issuer with its audience= nor a file that can be read: {path}");
        }
    }

    private static SettingException Wrong(string problem) => new(SettingTable.JwtIssuers, problem);
}
