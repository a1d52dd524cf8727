using System.CommandLine;
using OrleansKms.Configuration;

namespace OrleansKms.Silo.Commands;

/// <summary>The command <c>settings</c>: lists all settings, for the environment or appsettings.json.</summary>
internal static class SettingsCommand
{
    /// <summary>The command.</summary>
    public static Command Command()
    {
        var gateway = new Option<bool>("--gateway") { Description = "Lists those that a gateway takes." };
        var command = new Command("settings", "Lists the settings, from the environment or appsettings.json.") { gateway };
        command.SetAction(call =>
        {
            foreach (var setting in SettingTable.All.Where(setting => !call.GetValue(gateway) || setting.Taker == SettingTaker.SiloAndGateway))
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
