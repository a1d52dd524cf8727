using System.Reflection;
using OrleansKms.Silo.Clustering.Admission;

namespace OrleansKms.Tests.Unit.Client;

/// <summary>The client has a method for each operation that a service does with keys; what each calls is told by grains that only listen.</summary>
public sealed class KmsClientTests
{
    // For whoever administers keys; the client's Grains give them.
    private static readonly string[] _withoutMethod =
    [
        "aliases:describe", "aliases:list", "aliases:point", "aliases:remove", "keys:describe-policy", "keys:list", "keys:remove-policy", "keys:set-policy",
        "keys:update", "keys:validate", "policies:simulate", "service:health", "service:key-facts",
    ];

    private static readonly byte[] _ciphertext = [1, 1, 0, 0, 0, 1, 1, (byte)'k', .. new byte[29]];

    private static readonly byte[] _backup = [.. "okmb"u8, 1, .. new byte[32], 1, (byte)'k'];

    [Fact]
    public void Methods_AreThereForEachOperation()
    {
        var callable = ClientRights.OfClients.SelectMany(grain => grain.GetMethods()).Select(OperationOf).Distinct().Except(_withoutMethod);
        Assert.Equal(callable.Order(StringComparer.Ordinal), Methods().SelectMany(CallsOf).Select(OperationOf).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Method_IsOneCall_WhoseMessageNamesTheService() => Assert.All(Methods(), method =>
    {
        Assert.True(CallsOf(method) is [_], method.Name);
    });

    private static IEnumerable<MethodInfo> Methods() => typeof(IKmsClient).GetMethods()
        .Where(method => !method.IsSpecialName && method.Name is not (nameof(IKmsClient.NewCaller) or nameof(IKmsClient.Key)));

    private static string OperationOf(MethodInfo method) => method.GetCustomAttribute<OperationAttribute>()!.Name;

    /// <summary>The grain methods that a method of the client calls.</summary>
    private static List<MethodInfo> CallsOf(MethodInfo method)
    {
        var factory = DispatchProxy.Create<IGrainFactory, ListeningFactory>();
        var heard = ((ListeningFactory)(object)factory).Heard;
        IKmsClient client = new KmsClient(factory, new KmsClientOptions { Principal = "billing" });
        method.Invoke(client, [.. method.GetParameters().Select(Argument)]);
        Assert.All(heard, call => Assert.Equal("billing", call.Caller?.Principal));
        return [.. heard.Select(call => call.Method)];
    }

    private static object? Argument(ParameterInfo parameter) => parameter.ParameterType switch
    {
        _ when parameter.HasDefaultValue => parameter.DefaultValue,
        var type when type == typeof(string) => "k",
        var type when type == typeof(byte[]) => parameter.Name == "backup" ? _backup : _ciphertext,
        var type when type == typeof(IReadOnlyList<KeyToCreate>) => new KeyToCreate[] { new("k") },
        var type when type == typeof(SignItem) => new SignItem([1]),
        var type when type == typeof(VerifyItem) => new VerifyItem(new([1]), [1]),
        var type when type.IsValueType => Activator.CreateInstance(type),
        _ => null,
    };

    /// <summary>Gives grains that remember what was called and answer nothing.</summary>
    public class ListeningFactory : DispatchProxy
    {
        internal List<(MethodInfo Method, Caller? Caller)> Heard { get; } = [];

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var grain = Create(targetMethod!.GetGenericArguments().Single(), typeof(ListeningGrain));
            ((ListeningGrain)grain).Heard = Heard;
            return grain;
        }
    }

    /// <summary>A grain that remembers.</summary>
    public class ListeningGrain : DispatchProxy
    {
        internal List<(MethodInfo Method, Caller? Caller)> Heard { get; set; } = [];

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Heard.Add((targetMethod!, (args![0] as ICallerRequest)?.Caller));
            return targetMethod!.ReturnType.IsValueType ? Activator.CreateInstance(targetMethod.ReturnType) : null;
        }
    }
}
