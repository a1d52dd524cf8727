namespace OrleansKms.Gateway.Logging;

/// <summary>
/// What may be written of a category, whatever LOG_LEVEL or a section <c>Logging</c> of the configuration asks for. The frameworks
/// put requests into their lines: the web server logs whole addresses, queries included, and routing the path, at debug and below.
/// None of those lines is written; that is decided here, by the writer of lines, because filters can be set by name and a new
/// category has none. What they say at warning and above passes <see cref="Redaction"/>.
/// </summary>
internal static class LogCategories
{
    /// <summary>Changes of keys and aliases, which a restore needs: written at every level, and never dropped.</summary>
    public const string Changes = "OrleansKms.Grains.Changes";

    private const string OurOwn = "OrleansKms";

    // They tell of connections, certificates and the host's life, and know of no request.
    private static readonly string[] _harmless =
    [
        "Microsoft.AspNetCore.Server.Kestrel.Connections", "Microsoft.AspNetCore.Server.Kestrel.Https.", "Microsoft.Hosting.",
        "Microsoft.Extensions.Hosting.",
    ];

    /// <summary>Whether the lines are of our own making, so that what they say is known.</summary>
    public static bool IsOurs(string category) => IsOrIsBelow(category, OurOwn);

    /// <summary>The lowest level that is ever written.</summary>
    public static LogLevel Floor(string category) =>
        IsOurs(category) ? LogLevel.Trace
        // Below it Orleans writes down messages, with what our requests say.
        : IsOrIsBelow(category, "Orleans") ? LogLevel.Information
        : Array.Exists(_harmless, prefix => category.StartsWith(prefix, StringComparison.Ordinal)) ? LogLevel.Debug
        : LogLevel.Warning;

    private static bool IsOrIsBelow(string category, string name) =>
        category.StartsWith(name, StringComparison.Ordinal) && (category.Length == name.Length || category[name.Length] == '.');
}
