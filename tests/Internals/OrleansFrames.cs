using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Networking.Shared;
using Orleans.Runtime.Messaging;
using Orleans.Serialization;
using Orleans.Serialization.Session;

namespace OrleansKms.Tests.Internals;

/// <summary>What a client sends, as Orleans itself writes it.</summary>
public sealed class OrleansFrames : IDisposable
{
    private const long Number = 42;

    private static readonly Caller _caller = new("somebody", "127.0.0.1", "request");

    private readonly ServiceProvider _services;
    private readonly MessageSerializer _serializer;
    private readonly ClientGrainId _client = ClientGrainId.Create("cb46f910474a418ab2c312023cb2bcd1");
    private readonly SiloAddress _gateway = SiloAddress.New(IPAddress.Loopback, 30000, 0);

    /// <param name="configure">What the reader knows in addition.</param>
    public OrleansFrames(Action<IServiceCollection>? configure = null)
    {
        var services = new ServiceCollection()
            .AddSerializer(serializer => serializer.AddAssembly(typeof(IKeyGrain).Assembly).AddAssembly(typeof(Message).Assembly));
        configure?.Invoke(services);
        _services = services.BuildServiceProvider();
        _serializer = new(_services.GetRequiredService<SerializerSessionPool>(), new SharedMemoryPool(), new ClientMessagingOptions());
    }

    /// <summary>The address of the silo to which all of it is sent.</summary>
    public SiloAddress Gateway => _gateway;

    /// <summary>The client's id.</summary>
    public string Client => _client.GrainId.Key.ToString()!;

    /// <summary>A question for the grain of health that has this key, be it a number or not.</summary>
    public byte[] Check(string key) => Write(Call<IHealthGrain>("Check", new HealthQuery(_caller)), message =>
    {
        message.TargetGrain = GrainId.Create("health", key);
        message.InterfaceType = GrainInterfaceType.Create("okms.IHealthGrain");
    });

    /// <summary>The client's greeting.</summary>
    public byte[] Preamble()
    {
        var preamble = _services.GetRequiredService<Serializer<ConnectionPreamble>>().SerializeToArray(new ConnectionPreamble
        {
            NetworkProtocolVersion = NetworkProtocolVersion.Version1,
            NodeIdentity = _client.GrainId,
            SiloAddress = null,
            ClusterId = "okms",
        });
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, preamble.Length);
        return [.. length, .. preamble];
    }

    /// <summary>A silo's greeting, on a port that is for clients.</summary>
    public byte[] PreambleOfASilo()
    {
        var preamble = _services.GetRequiredService<Serializer<ConnectionPreamble>>().SerializeToArray(new ConnectionPreamble
        {
            NetworkProtocolVersion = NetworkProtocolVersion.Version1,
            NodeIdentity = Constants.SiloDirectConnectionId,
            SiloAddress = _gateway,
            ClusterId = "okms",
        });
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, preamble.Length);
        return [.. length, .. preamble];
    }

    /// <summary>A description, with everything in the header that a client may have there.</summary>
    public byte[] Describe(long number = Number) => Write(Call<IKeyGrain>("Describe", new KeyCommand(_caller)), message =>
    {
        message.Id = new CorrelationId(number);
        message.TimeToLive = TimeSpan.FromSeconds(30);
        message.RequestContextData = new() { ["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ["tracestate"] = "a=b" };
    });

    /// <summary>A description whose caller's name is a number: well-formed, and nothing that Orleans makes a string of.</summary>
    public byte[] Unreadable(long number = Number)
    {
        var frame = Describe(number);
        var name = frame.AsSpan().IndexOf("somebody"u8);
        // The field's tag, then its length, then its bytes: 0x40 says that it has a length, 0 that it is a number.
        frame[name - 2] &= 0x1f;
        byte[] changed = [.. frame[..name], .. frame[(name + "somebody".Length)..]];
        BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(4), BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(4)) - "somebody".Length);
        return changed;
    }

    /// <summary>An encryption of so many bytes.</summary>
    public byte[] Encrypt(int length, long number = Number) => Write(
        Call<IKeyGrain>("Encrypt", new Encrypt(_caller, new byte[length], [1, 2, 3])), message => message.Id = new CorrelationId(number));

    /// <summary>A silo's answer to a call of the client.</summary>
    public byte[] Answer(long number, int length = 1) =>
        Write(Orleans.Serialization.Invocation.Response.FromResult(new Encrypted(1, new byte[length])), message => Answers(message, number));

    /// <summary>A silo's news that a call of the client takes long.</summary>
    public byte[] News(long number) => Write(new StatusResponse(isExecuting: true, isWaiting: false, []), message =>
    {
        Answers(message, number);
        message.Result = Message.ResponseTypes.Status;
    });

    /// <summary>A batch of so many items, the shortest.</summary>
    public byte[] EncryptBatch(int items) =>
        Write(Call<IKeyGrain>("EncryptBatch", new EncryptBatch(_caller, [.. Enumerable.Range(0, items).Select(_ => new EncryptItem([]))])));

    /// <summary>Has Orleans read a message.</summary>
    /// <returns>Why it could not.</returns>
    public Exception? Read(byte[] frame)
    {
        var input = new ReadOnlySequence<byte>(frame);
        try
        {
            _serializer.TryRead(ref input, out _);
            return null;
        }
        catch (Exception failed)
        {
            return failed;
        }
    }

    /// <summary>A creation, with all that it may have.</summary>
    public byte[] Create(IReadOnlyDictionary<string, string> tags, params LimitRule[] limits) => Write(Call<IKeyGrain>("Create", new CreateKey
    {
        Caller = _caller,
        Usage = KeyUsage.EncryptDecrypt,
        Description = "a key",
        Tags = tags,
        Limits = limits,
        Rotation = new RotationPlan(TimeSpan.FromDays(90), 1_000_000),
    }));

    /// <summary>The question without which no client starts.</summary>
    public byte[] Manifest() => Write(
        Call<IClusterManifestSystemTarget>("GetClusterManifestUpdate", new Orleans.Metadata.MajorMinorVersion(1, 2)),
        message =>
        {
            message.TargetGrain = SystemTargetGrainId.Create(Constants.ManifestProviderType, _gateway).GrainId;
            message.InterfaceType = GrainInterfaceType.Create("Orleans.Runtime.IClusterManifestSystemTarget");
        });

    /// <summary>A description that is marked in a way that clients do not mark theirs, by the number of the way.</summary>
    public byte[] Marked(int way) => Write(Call<IKeyGrain>("Describe", new KeyCommand(_caller)), message => _marks[way](message));

    /// <summary>How many ways there are.</summary>
    public static int Ways => _marks.Length;

    private static readonly Action<Message>[] _marks =
    [
        message => message.Direction = Message.Directions.Response,
        message => message.Direction = Message.Directions.OneWay,
        message => message.ForwardCount = 1,
        message => message.Result = Message.ResponseTypes.Success,
        message => message.IsSystemMessage = true,
        message => message.IsReadOnly = true,
        message => message.IsAlwaysInterleave = true,
        message => message.IsLocalOnly = true,
        message => message.IsKeepAlive = false,
        message => message.InterfaceVersion = 1,
        message => message.InterfaceType = default,
        message => message.SendingSilo = SiloAddress.New(IPAddress.Loopback, 11111, 1),
        message => message.SendingGrain = ClientGrainId.Create("another").GrainId,
        message => message.TargetGrain = ClientGrainId.Create("another").GrainId,
        message => message.TargetGrain = GrainId.Create("key", "not/a/key"),
        message => message.CacheInvalidationHeader = [],
        message => message.RequestContextData = new() { ["#RC_CCR"] = Guid.Empty },
        message => message.RequestContextData = new() { ["traceparent"] = 1 },
    ];

    public void Dispose()
    {
        _serializer.Dispose();
        _services.Dispose();
    }

    internal static object Call<T>(string method, params object[] arguments)
    {
        var call = typeof(T).Assembly.GetTypes()
            .Where(type => type.Name.StartsWith($"Invokable_{typeof(T).Name}_", StringComparison.Ordinal))
            .Select(type => (RequestBase)Activator.CreateInstance(type)!)
            .First(call => call.GetMethodName() == method && call.GetArgumentCount() == arguments.Length + (call.IsCancellable ? 1 : 0));
        for (var i = 0; i < arguments.Length; i++) call.SetArgument(i, arguments[i]);
        return call;
    }

    private static void Answers(Message message, long number)
    {
        message.Direction = Message.Directions.Response;
        message.Id = new CorrelationId(number);
        (message.TargetGrain, message.SendingGrain) = (message.SendingGrain, message.TargetGrain);
        message.InterfaceType = default;
    }

    private byte[] Write(object body, Action<Message>? mark = null)
    {
        var message = new Message
        {
            Direction = Message.Directions.Request,
            Id = new CorrelationId(Number),
            SendingGrain = _client.GrainId,
            TargetGrain = GrainId.Create("key", "payments.eu.cards"),
            TargetSilo = _gateway,
            InterfaceType = GrainInterfaceType.Create("okms.IKeyGrain"),
            BodyObject = body,
        };
        mark?.Invoke(message);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        _serializer.Write(pipe.Writer, message);
        pipe.Writer.Complete();
        pipe.Reader.TryRead(out var read);
        return read.Buffer.ToArray();
    }
}
