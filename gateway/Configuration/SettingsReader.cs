using System.Net;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>
/// Reads the settings of one process, each by its row of <see cref="SettingTable"/>, and finds settings that the process does not
/// take.
/// </summary>
/// <param name="configuration">The environment and appsettings.json, merged.</param>
/// <param name="taker">Whether this is a silo or a gateway: <see cref="SettingTaker.Silo"/> takes all.</param>
internal sealed class SettingsReader(IConfiguration configuration, SettingTaker taker)
{
    private const string Prefix = "OKMS_";

    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>The names of all settings that were read.</summary>
    public IReadOnlyCollection<string> Known => _read;

    /// <summary>The text of a setting, or null when it is not set.</summary>
    /// <exception cref="SettingException">
    /// It is set to nothing. An empty DATABASE_URL is more likely a secret that failed to arrive than a wish for an embedded
    /// database, so an empty setting never counts as absent.
    /// </exception>
    public string? Text(Setting setting)
    {
        _read.Add(setting.Name);
        var section = configuration.GetSection(setting.Name);
        if (section.GetChildren().Any()) throw new SettingException(setting, "must be a single value.");
        if (section.Value is null) return null;
        return section.Value.Trim() is { Length: > 0 } text ? text : throw new SettingException(setting, "is set, but empty.");
    }

    /// <summary>
    /// The text of a secret setting, or null when it is not set: from the setting itself, or from the file that another setting
    /// names. Anyone who can inspect a container or a unit sees its environment, and child processes inherit it; a file avoids
    /// both.
    /// </summary>
    /// <param name="setting">The setting that is the secret.</param>
    /// <param name="file">The setting that names its file.</param>
    /// <exception cref="SettingException">Both are set, or the file is unusable; the message never holds the secret.</exception>
    public string? Secret(TextSetting setting, TextSetting file)
    {
        var (value, path) = (Text(setting), Text(file));
        if (path is null) return value;
        return value is null
            ? SecretFile.Read(file, Path.GetFullPath(path))
            : throw new SettingException(file, $"contradicts {setting.Name}: set one of the two.");
    }

    /// <summary>The absolute path of a file that holds a secret, or null when it is not set.</summary>
    /// <exception cref="SettingException">It is missing, or others than its owner and group may read it.</exception>
    public string? SecretPath(TextSetting setting)
    {
        if (Text(setting) is not { } path) return null;
        SecretFile.RequirePrivate(setting, Path.GetFullPath(path));
        return Path.GetFullPath(path);
    }

    /// <summary>The value of a setting, or its default.</summary>
    public T Read<T>(TypedSetting<T> setting)
        where T : struct => ReadOrNull(setting) ?? setting.Default;

    /// <summary>The value of a setting, or null when it is not set.</summary>
    /// <exception cref="SettingException">Its rule does not allow it.</exception>
    public T? ReadOrNull<T>(TypedSetting<T> setting)
        where T : struct
    {
        if (Text(setting) is not { } text) return null;
        return setting.TryParse(text, out var value) ? value : throw new SettingException(setting, $"must be {setting.Rule}.");
    }

    /// <summary>The value of a number that fits into 32 bits, or its default.</summary>
    public int Integer(NumberSetting setting) => checked((int)Read(setting));

    /// <summary>The value of a number that fits into 32 bits, or null when it is not set.</summary>
    public int? IntegerOrNull(NumberSetting setting) => checked((int?)ReadOrNull(setting));

    /// <summary>One of a few words, in lower case, or its default.</summary>
    public string Word(ChoiceSetting setting) => WordOrNull(setting) ?? setting.Default;

    /// <summary>One of a few words, in lower case, or null when it is not set.</summary>
    /// <exception cref="SettingException">It is another word.</exception>
    public string? WordOrNull(ChoiceSetting setting)
    {
        if (Text(setting)?.ToLowerInvariant() is not { } word) return null;
        return setting.Words.Contains(word) ? word : throw new SettingException(setting, $"must be {setting.Rule}.");
    }

    /// <summary>An IP address, <c>*</c> for all, or <c>localhost</c>.</summary>
    public BindAddress BindAddress(TextSetting setting) => (Text(setting) ?? setting.Default) switch
    {
        "localhost" => Configuration.BindAddress.Localhost,
        "*" => new BindAddress(IPAddress.IPv6Any),
        var text when IPAddress.TryParse(text, out var address) => new BindAddress(address),
        _ => throw new SettingException(setting, "must be localhost, an IP address, or * for all addresses."),
    };

    /// <summary>
    /// Refuses settings that mean nothing to this process: misspelt names, and settings of another kind of process.
    /// </summary>
    /// <exception cref="SettingException">Names the first.</exception>
    public void RefuseForeign()
    {
        foreach (var name in Names().Order(StringComparer.Ordinal))
        {
            switch (SettingTable.Find(name))
            {
                case null when name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !ClientVariables.All.Contains(name):
                    throw new SettingException(name, "is not a setting of this version.");
                case { Taker: SettingTaker.Silo } silos when taker != SettingTaker.Silo:
                    throw new SettingException(silos, "is a setting of silos, which a gateway does not take.");
            }
        }
    }

    /// <summary>The settings that are set for parts that this process lacks.</summary>
    /// <param name="has">Whether it has a part.</param>
    public IReadOnlyList<string> WithoutEffect(Func<SettingPart, bool> has) =>
    [
        .. Names().Select(SettingTable.Find).OfType<Setting>()
            .Where(setting => !has(setting.Part))
            .Select(setting => setting.Name).Order(StringComparer.Ordinal),
    ];

    private IEnumerable<string> Names() => configuration.GetChildren().Select(section => section.Key);
}
