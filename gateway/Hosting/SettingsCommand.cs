using System.CommandLine;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>The command <c>settings</c>: lists all settings, for the environment or appsettings.json.</summary>
internal static class SettingsCommand
{
    /// <summary>The command.</summary>
    /// <param name="takes">Whether the program takes a setting.</param>
    public static Command Of(Func<Setting, bool> takes)
    {
        var command = new Command("settings", "Lists the settings, from the environment or appsettings.json.");
        command.SetAction(call =>
        {
            foreach (var setting in SettingTable.All.Where(takes))
            {
                call.InvocationConfiguration.Output.WriteLine(
                    $"{setting.Name}\n    {Plain(setting.Meaning)}\n    default: {Plain(setting.DefaultText)}\n    {Plain(setting.RangeText)}");
            }
        });
        return command;
    }

    // Meanings are written for documents.
    private static string Plain(string text) => text.Replace("`", "", StringComparison.Ordinal);
}
