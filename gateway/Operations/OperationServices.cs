using System.Buffers;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Everything that use-cases and wires need, resolved once, so that no request looks anything up in the container.
/// </summary>
internal sealed class OperationServices(
    GatewayOptions options, IServiceProvider provider, ClusterLink link, KeyFactsCache keyFacts, SizeLimits limits, TimeProvider time,
    ILogger<OperationServices> log)
{
    public GatewayOptions Options { get; } = options;

    /// <summary>
    /// The grains. These and the references are created with Orleans, on first use: the web server starts before it.
    /// </summary>
    public IGrainFactory Grains => field ??= provider.GetRequiredService<IGrainFactory>();

    public GrainReferences<IKeyGrain> Keys => field ??= provider.GetRequiredService<GrainReferences<IKeyGrain>>();

    public GrainReferences<IKeyEncryptionGrain> Encryption => field ??= new(Grains);

    public GrainReferences<IKeySignaturesGrain> Signatures => field ??= new(Grains);

    public GrainReferences<IKeyMacsGrain> Macs => field ??= new(Grains);

    public GrainReferences<IAliasGrain> Aliases => field ??= provider.GetRequiredService<GrainReferences<IAliasGrain>>();

    public GrainReferences<IReencryptionGrain> Reencryption => field ??= provider.GetRequiredService<GrainReferences<IReencryptionGrain>>();

    public GrainReferences<IRandomGrain> Random => field ??= provider.GetRequiredService<GrainReferences<IRandomGrain>>();

    public ClusterLink Link { get; } = link;

    /// <summary>Facts of keys that policies look at.</summary>
    public KeyFactsCache KeyFacts { get; } = keyFacts;

    /// <summary>Records what this gateway answers itself.</summary>
    public CallRecorder Recorder => field ??= provider.GetRequiredService<CallRecorder>();

    /// <summary>The cached principals.</summary>
    public KnownPrincipals Principals => field ??= provider.GetRequiredService<KnownPrincipals>();

    public SizeLimits Limits { get; } = limits;

    /// <summary>The limits of principals and namespaces.</summary>
    public SharedLimits SharedLimits => field ??= new(Reserve, provider.GetRequiredService<NamespaceRules>(), Time);

    /// <summary>The limits of namespaces as this gateway knows them.</summary>
    public NamespaceRules Namespaces => field ??= provider.GetRequiredService<NamespaceRules>();

    public ConcurrencyLimit Concurrency { get; } = new(options, time);

    public TimeProvider Time { get; } = time;

    /// <summary>The pool for bodies and answers. Memory is returned zeroed.</summary>
    public ArrayPool<byte> Pool { get; init; } = ArrayPool<byte>.Shared;

    /// <summary>What this process logs.</summary>
    public LogSwitch Logging => field ??= provider.GetRequiredService<LogSwitch>();

    /// <summary>Receives unexpected failures, which the answer shows only as <c>internal</c>.</summary>
    public ILogger Log { get; } = log;

    /// <summary>Reserves uses of a limit; null if no silo can be reached.</summary>
    private async Task<ReservedUses?> Reserve(string limit, ReserveUses request)
    {
        try
        {
            return await Grains.GetGrain<ILimitGrain>(limit).Reserve(request);
        }
        catch (Exception) when (!Link.IsConnected)
        {
            return null;
        }
    }
}
