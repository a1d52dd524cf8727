using System.Diagnostics;
using System.IO.Pipelines;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

/// <summary>
/// Takes the check of what clients send out of a silo that a test starts with DOTNET_STARTUP_HOOKS, so that attacks can be seen to
/// succeed without it. The service itself has no switch for that: this reaches into a silo's memory, which only who starts it can do.
/// </summary>
#pragma warning disable CA1050 // The runtime looks for a type of this name outside of every namespace.
public static class StartupHook
#pragma warning restore CA1050
{
    /// <summary>The runtime's call, before the program begins.</summary>
    public static void Initialize() => DiagnosticListener.AllListeners.Subscribe(new Watch<DiagnosticListener>(listener =>
    {
        if (listener.Name == "Microsoft.Extensions.Hosting") listener.Subscribe(new Watch<KeyValuePair<string, object?>>(Configure));
    }));

    private static void Configure(KeyValuePair<string, object?> step)
    {
        if (step is not { Key: "HostBuilding", Value: IHostBuilder host }) return;
        // Configured last, it is nearest to Orleans: behind TLS and the check.
        host.ConfigureServices(services => services.Configure<SiloConnectionOptions>(connections =>
            connections.ConfigureGatewayInboundConnection(builder => builder.Use(next => context =>
            {
                context.Transport = new Unguarded(BehindTheCheck(context.Transport.Input), context.Transport.Output);
                return next(context);
            }))));
    }

    private static PipeReader BehindTheCheck(PipeReader reader) =>
        reader.GetType().GetField("<source>P", BindingFlags.Instance | BindingFlags.NonPublic)?.GetValue(reader) as PipeReader
        ?? throw new InvalidOperationException($"A client's connection is read by {reader.GetType()}, which holds no other reader.");

    private sealed record Unguarded(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Watch<T>(Action<T> see) : IObserver<T>
    {
        public void OnNext(T value) => see(value);

        public void OnCompleted()
        {
            // Nothing is left to do.
        }

        public void OnError(Exception error)
        {
            // Never happens here.
        }
    }
}
