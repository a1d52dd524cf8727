namespace OrleansKms.Gateway.Logging;

/// <summary>
/// What may be logged for a category, whatever LOG_LEVEL or a section <c>Logging</c> of the configuration asks for. The
/// frameworks log parts of requests: the web server logs full addresses, queries included, and routing the path, at debug and
/// below. None of those lines is written; that is decided here, by the writer of lines, because filters can be set by name and a
/// new category has none. Lines at warning and above pass <see cref="Redaction"/>.
/// </summary>
internal static class LogCategories
{
    /// <summary>Changes of keys and aliases, which a restore needs: written at every level, and never dropped.</summary>
    public const string Changes = "OrleansKms.Grains.Changes";

    private const string OurOwn = "OrleansKms";

    // They concern connections, certificates and the host's life, and know nothing about requests.
    private static readonly string[] _harmless =
    [
        "Microsoft.AspNetCore.Server.Kestrel.Connections", "Microsoft.AspNetCore.Server.Kestrel.Https.", "Microsoft.Hosting.",
        "Microsoft.Extensions.Hosting.",
    ];

    /// <summary>Whether the lines are our own, so that their content is known.</summary>
    public static bool IsOurs(string category) => IsOrIsBelow(category, OurOwn);

    /// <summary>The lowest level that is ever written.</summary>
    public static LogLevel Floor(string category) =>
        IsOurs(category) ? LogLevel.Trace
        // Below it Orleans logs messages with the content of our requests.
        : IsOrIsBelow(category, "Orleans") ? LogLevel.Information
        : Array.Exists(_harmless, prefix => category.StartsWith(prefix, StringComparison.Ordinal)) ? LogLevel.Debug
        : LogLevel.Warning;

    private static bool IsOrIsBelow(string category, string name) =>
        category.StartsWith(name, StringComparison.Ordinal) && (category.Length == name.Length || category[name.Length] == '.');
}
