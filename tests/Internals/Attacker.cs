using System.Collections;
using System.Net;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.CodeGeneration;
using Orleans.Configuration;
using Orleans.Messaging;
using Orleans.Serialization;

namespace OrleansKms.Tests.Internals;

/// <summary>An Orleans client with a good certificate, that also uses what Orleans keeps to itself.</summary>
public sealed class Attacker : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly OutsideRuntimeClient _runtime;

    private Attacker(IHost host)
    {
        _host = host;
        _runtime = host.Services.GetRequiredService<OutsideRuntimeClient>();
        Grains = host.Services.GetRequiredService<IInternalGrainFactory>();
    }

    internal IInternalGrainFactory Grains { get; }

    /// <summary>What came to it as an answer to something that it had not asked.</summary>
    public UnexpectedAnswers Unexpected => _host.Services.GetRequiredService<UnexpectedAnswers>();

    /// <summary>Through which silos it believes that it can send.</summary>
    internal IReadOnlyList<SiloAddress> Gateways => _host.Services.GetRequiredService<GatewayManager>().GetLiveGateways();

    /// <summary>Whether somebody has told it not to send to a silo.</summary>
    public bool IsKeptFromSending => ((ICollection)typeof(GatewayManager).GetField("knownMasked", BindingFlags.Instance | BindingFlags.NonPublic)!
        .GetValue(_host.Services.GetRequiredService<GatewayManager>())!).Count > 0;

    internal GrainId Id => _host.Services.GetRequiredService<LocalClientDetails>().ClientId.GrainId;

    /// <param name="files">Its certificate.</param>
    /// <param name="clientPort">The client port of the only silo to which it connects.</param>
    /// <param name="pretended">Another client, whose id it gives as its own.</param>
    public static async Task<Attacker> Connect(MutualTlsFiles files, int clientPort, Attacker? pretended = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var unexpected = new UnexpectedAnswers();
        builder.Services.AddSingleton(unexpected);
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(unexpected);
        builder.UseOrleansClient(client =>
        {
            client.Services.AddSerializer(serializer => serializer.AddAssembly(typeof(IKeyGrain).Assembly));
            client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, clientPort));
            client.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("okms", "okms"));
            client.UseMutualTls(files);
            // What is refused is not answered.
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(10));
        });
        var host = builder.Build();
        if (pretended is not null)
        {
            typeof(LocalClientDetails).GetField("<ClientId>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!
                .SetValue(host.Services.GetRequiredService<LocalClientDetails>(), ClientGrainId.TryParse(pretended.Id, out var id) ? id : default);
        }

        await host.StartAsync();
        return new(host);
    }

    /// <summary>Sends a message that it has made itself, and waits for no answer.</summary>
    internal Task Send(Action<Message> forge, IKeyGrain grain, object body)
    {
        var reference = (GrainReference)grain;
        var message = _host.Services.GetRequiredService<MessageFactory>().CreateMessage(body, InvokeMethodOptions.None);
        message.SendingGrain = Id;
        message.TargetGrain = reference.GrainId;
        message.InterfaceType = reference.InterfaceType;
        forge(message);
        _runtime.MessageCenter!.SendMessage(message);
        return Task.Delay(Timeout.InfiniteTimeSpan);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
