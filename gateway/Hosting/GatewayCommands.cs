using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>What a gateway can be asked for besides serving.</summary>
internal static class GatewayCommands
{
    /// <summary>Does what the arguments ask for.</summary>
    /// <returns>The process's exit code.</returns>
    public static Task<int> Run(string[] arguments) => CommandLine.Run(
        arguments, "A gateway of OrleansKms, a key management service. Without a command it serves.",
        HealthCheck.Command(), SettingsCommand.Of(setting => setting.Taker == SettingTaker.SiloAndGateway));
}
