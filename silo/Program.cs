using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Commands;
using OrleansKms.Silo.Hosting;

// What starts a service, or asks one every few seconds, parses nothing; and a command loads no more of the program than it uses.
return args switch
{
    [] or [ServeCommands.Serve] => await SiloService.Run(),
    [ServeCommands.Gateway] => await GatewayService.Run(),
    [HealthCheck.Name] => await HealthCheck.Run(),
    _ => await OkmsCommand.Run(args),
};
