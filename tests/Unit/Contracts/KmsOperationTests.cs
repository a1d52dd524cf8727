using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using OrleansKms.Gateway.Rest.Cryptography;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>That the table of operations is the only list of them, and that nothing is left out.</summary>
public sealed partial class KmsOperationTests
{
    private static readonly MethodInfo[] _methods =
    [
        .. typeof(IKeyGrain).Assembly.GetTypes()
            .Where(type => type.IsInterface && typeof(IGrain).IsAssignableFrom(type))
            .SelectMany(type => type.GetMethods()),
    ];

    [Fact]
    public void GrainMethods_NameTheirOperation_AndTakeOneMessageThatSaysWhoAsks()
    {
        Assert.NotEmpty(_methods);
        Assert.All(_methods, method =>
        {
            KmsOperation.Named(method.GetCustomAttribute<OperationAttribute>()?.Name ?? "none");
            Assert.True(typeof(ICallerRequest).IsAssignableFrom(Assert.Single(method.GetParameters()).ParameterType), method.Name);
        });
    }

    [Fact]
    public void Messages_ThatSayWhoAsks_AreCallerRequests() => Assert.All(
        typeof(IKeyGrain).Assembly.GetTypes().Where(type => type.IsClass && type.GetProperty(nameof(ICallerRequest.Caller)) is not null),
        type => Assert.True(typeof(ICallerRequest).IsAssignableFrom(type), type.Name));

    [Fact]
    public void Rows_HaveNamesOfOneForm_AndAPlaceEach()
    {
        Assert.All(KmsOperation.All.Values, row => Assert.Matches(Name(), row.Name));
        Assert.Equal(Enumerable.Range(0, KmsOperation.All.Count), KmsOperation.All.Values.Select(row => row.Index).Order());
        Assert.Equal(
            KmsOperation.All.Values.OrderBy(row => row.Index),
            typeof(KmsOperation).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (KmsOperation)field.GetValue(null)!));
    }

    [Fact]
    public void DataPlane_IsWhatDoesNoHarmTwice()
    {
        var marked = _methods
            .Where(method => KmsOperation.Named(method.GetCustomAttribute<OperationAttribute>()!.Name).IsDataPlane)
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}");
        Assert.Equal(
            [
                "IAliasGrain.Resolve", "IKeyDerivationGrain.Derive", "IKeyEncapsulationGrain.Decapsulate", "IKeyEncapsulationGrain.Encapsulate", "IKeyEncryptionGrain.Decrypt", "IKeyEncryptionGrain.DecryptBatch",
                "IKeyEncryptionGrain.Encrypt", "IKeyEncryptionGrain.EncryptBatch", "IKeyGrain.Decrypt", "IKeyGrain.DecryptBatch", "IKeyGrain.Encrypt", "IKeyGrain.EncryptBatch",
                "IKeyGrain.GenerateDataKey", "IKeyGrain.Rewrap", "IKeyGrain.RewrapBatch", "IKeyGrain.Validate",
                "IKeyJwsGrain.Sign",
                "IKeyMacsGrain.Generate", "IKeyMacsGrain.GenerateBatch", "IKeyMacsGrain.Verify", "IKeyMacsGrain.VerifyBatch", "IKeyPairsGrain.Generate",
                "IKeySignaturesGrain.Sign", "IKeySignaturesGrain.SignBatch", "IKeySignaturesGrain.Verify", "IKeySignaturesGrain.VerifyBatch",
                "IPublicKeyGrain.Read", "IPublishedKeysGrain.Read", "IRandomGrain.Draw", "IReencryptionGrain.Reencrypt",
            ],
            marked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Uses_AreSpentByWhatMakesSomethingWithAKey() => Assert.Equal(
        ["keys:batch", "keys:datakey", "keys:datakey-pair", "keys:decapsulate", "keys:derive", "keys:encrypt", "keys:jws", "keys:mac", "keys:reencrypt", "keys:rewrap", "keys:sign"],
        KmsOperation.All.Values.Where(row => row.SpendsUse).Select(row => row.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Batches_HaveTheOperationsNames() => Assert.All(
        typeof(BatchOperation).GetCustomAttributes<JsonDerivedTypeAttribute>(),
        op => Assert.True(KmsOperation.Named("keys:" + op.TypeDiscriminator).NamesKey));

    [Fact]
    public void Unknown_IsAnInternalError() =>
        Assert.Throws<InvalidOperationException>(() => KmsOperation.Named("keys:encrypts"));

    [GeneratedRegex("^[a-z]+:[a-z]+(-[a-z]+)*$")]
    private static partial Regex Name();
}
