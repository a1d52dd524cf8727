using System.CommandLine;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>The commands that serve, for help; a call of one of them alone is handled before anything is parsed.</summary>
internal static class ServeCommands
{
    /// <summary>The name of the command that is a silo.</summary>
    public const string Serve = "serve";

    /// <summary>The name of the command that is a gateway.</summary>
    public const string Gateway = "gateway";

    /// <summary>The command that is a silo.</summary>
    public static Command ServeCommand() =>
        Of(Serve, "Serves: all in one, or as a silo of a cluster where DATABASE_URL is set. So does the program without a command.", SiloService.Run);

    /// <summary>The command that is a gateway.</summary>
    public static Command GatewayCommand() => Of(Gateway, "Serves HTTP for the silos of a cluster.", GatewayService.Run);

    private static Command Of(string name, string description, Func<Task<int>> run)
    {
        var command = new Command(name, description);
        command.SetAction((_, _) => run());
        return command;
    }
}
