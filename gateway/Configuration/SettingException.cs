using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>A setting is wrong, so the process does not start.</summary>
/// <param name="name">The setting.</param>
/// <param name="problem">What is wrong with it; completes a sentence, and never holds the value of a secret.</param>
public sealed class SettingException(string name, string problem) : StartRefusedException($"{name} {problem}")
{
    /// <summary>The setting that is wrong.</summary>
    public string Name { get; } = name;

    /// <summary>Refuses a setting of the table.</summary>
    /// <param name="setting">The setting.</param>
    /// <param name="problem">What is wrong with it; completes a sentence, and never holds the value of a secret.</param>
    internal SettingException(Setting setting, string problem)
        : this(setting.Name, problem)
    {
    }
}
