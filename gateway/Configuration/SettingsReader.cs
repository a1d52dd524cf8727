using System.Globalization;
using System.Net;

namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// Reads settings one by one and remembers their names, so that whatever begins with <c>OKMS_</c> and was not asked for is
/// known to be misspelt.
/// </summary>
/// <param name="configuration">The environment and appsettings.json, merged.</param>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private const string Prefix = "OKMS_";

    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Every setting that was asked for.</summary>
    public IReadOnlyCollection<string> Known => _known;

    /// <summary>The text of a setting, or null when it is not set.</summary>
    /// <exception cref="SettingException">
    /// It is set to nothing. An empty DATABASE_URL is more likely a secret that did not arrive than a wish for an embedded
    /// database, so no empty setting counts as absent.
    /// </exception>
    public string? Text(string name)
    {
        _known.Add(name);
        var section = configuration.GetSection(name);
        if (section.GetChildren().Any()) throw new SettingException(name, "must be a single value.");
        if (section.Value is null) return null;
        return section.Value.Trim() is { Length: > 0 } text ? text : throw new SettingException(name, "is set, but empty.");
    }

    /// <summary>
    /// The text of a setting that is a secret, or null when it is not set: from the setting itself, or from the file that the
    /// setting of the same name with <c>_FILE</c> behind it names. An environment is shown to whoever may inspect a container or
    /// a unit, and is inherited by child processes; a file is not.
    /// </summary>
    /// <exception cref="SettingException">Both are set, or the file cannot serve; the message never holds the secret.</exception>
    public string? Secret(string name)
    {
        var fileName = name + "_FILE";
        var (value, path) = (Text(name), Text(fileName));
        if (path is null) return value;
        return value is null
            ? SecretFile.Read(fileName, Path.GetFullPath(path))
            : throw new SettingException(fileName, $"contradicts {name}: set one of the two.");
    }

    /// <summary>The absolute path of a file that holds a secret, or null when it is not set.</summary>
    /// <exception cref="SettingException">It is not there, or others than its owner and group may read it.</exception>
    public string? SecretPath(string name)
    {
        if (Text(name) is not { } path) return null;
        SecretFile.RequirePrivate(name, Path.GetFullPath(path));
        return Path.GetFullPath(path);
    }

    /// <summary>A whole number within bounds.</summary>
    public int Integer(string name, int fallback, int least, int most) => Integer(name, least, most) ?? fallback;

    /// <summary>A whole number within bounds, or null when it is not set.</summary>
    public int? Integer(string name, int least, int most)
    {
        if (Text(name) is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new SettingException(name, Invariant($"must be a whole number from {least} to {most}."));
    }

    /// <summary>An ISO 8601 duration within bounds.</summary>
    public TimeSpan Duration(string name, TimeSpan fallback, TimeSpan least, TimeSpan most)
    {
        if (Text(name) is not { } text) return fallback;
        if (Iso8601Duration.TryParse(text, out var duration) && duration >= least && duration <= most) return duration;
        throw new SettingException(name, Invariant(
            $"must be an ISO 8601 duration from {Iso8601Duration.Format(least)} to {Iso8601Duration.Format(most)}, for example {Iso8601Duration.Format(fallback)}."));
    }

    /// <summary>true or false.</summary>
    public bool Switch(string name, bool fallback) => Text(name)?.ToLowerInvariant() switch
    {
        null => fallback,
        "true" => true,
        "false" => false,
        _ => throw new SettingException(name, "must be true or false."),
    };

    /// <summary>One of a few words.</summary>
    public T Choice<T>(string name, T fallback, IReadOnlyDictionary<string, T> choices)
    {
        if (Text(name) is not { } text) return fallback;
        return choices.TryGetValue(text.ToLowerInvariant(), out var choice)
            ? choice
            : throw new SettingException(name, $"must be one of {string.Join(", ", choices.Keys)}.");
    }

    /// <summary>An IP address, <c>*</c> for all, or <c>localhost</c>, which is also the default.</summary>
    public BindAddress BindAddress(string name) => Text(name) switch
    {
        null or "localhost" => Configuration.BindAddress.Localhost,
        "*" => new BindAddress(IPAddress.IPv6Any),
        var text when IPAddress.TryParse(text, out var address) => new BindAddress(address),
        _ => throw new SettingException(name, "must be localhost, an IP address, or * for all addresses."),
    };

    /// <summary>Refuses settings of ours that nothing asked for.</summary>
    public void RefuseUnknown()
    {
        var unknown = configuration.GetChildren()
            .Select(section => section.Key)
            .Where(key => key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !_known.Contains(key))
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
        if (unknown is not null) throw new SettingException(unknown, "is not a setting of this version.");
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
