using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>The commands of the program, besides being a silo.</summary>
internal static class SiloCommands
{
    /// <summary>Runs the command that the arguments name.</summary>
    /// <returns>The process's exit code.</returns>
    public static Task<int> Run(string[] arguments) => CommandLine.Run(
        arguments, "A silo of OrleansKms, a key management service. Without a command it serves.",
        CreateAdministrator.Command(), CreateMetricsToken.Command(), Migrate.Command(), BeginRestoreEpoch.Command(), RaiseFeatureLevel.Command(),
        ChangeRoot.Command(), HsmOrphansCommand.List(), HsmOrphansCommand.Remove(), AuditCommands.Command(), HealthCheck.Command(), SettingsCommand.Of(_ => true));
}
