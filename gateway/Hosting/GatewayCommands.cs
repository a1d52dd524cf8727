using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>The commands of a gateway, besides serving.</summary>
internal static class GatewayCommands
{
    /// <summary>Runs what the arguments ask for.</summary>
    /// <returns>The process's exit code.</returns>
    public static Task<int> Run(string[] arguments) => CommandLine.Run(
        arguments, "A gateway of OrleansKms, a key management service. Without a command it serves.",
        HealthCheck.Command(), SettingsCommand.Of(setting => setting.Taker == SettingTaker.SiloAndGateway));
}
