namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A key's own policy, for callers that come by no gateway.</summary>
public sealed class KeyPolicyTests : KeyGrainTest
{
    private static readonly Caller _admin = new("admin", "10.0.0.1", "request-1");
    private static readonly Caller _app = new("app-1", "10.0.0.2", "request-2");
    private static readonly Caller _other = new("other", "192.0.2.1", "request-3");

    private static readonly PolicyStatement _useByApps = new(PolicyEffect.Allow, ["use"], []) { Principals = ["app-*"] };

    [Fact]
    public async Task Policy_BindsEveryCallerButTheAdministrator_ForEveryOperation()
    {
        var (key, policies) = await Make("policy.all", _useByApps);
        var encrypted = await key.Encrypt(new(_app, [1], null));
        Assert.Equal([1], (await key.Decrypt(new(_app, encrypted.Ciphertext, null))).Plaintext);
        Assert.NotNull(await key.Encrypt(new(_admin, [1], null)));
        await key.Rotate(new(_admin));

        var old = encrypted.Ciphertext;
        await Refused(() => key.Encrypt(new(_other, [1], null)).AsTask());
        await Refused(() => key.Decrypt(new(_other, old, null)).AsTask());
        await Refused(() => key.Rewrap(new(_other, old, null)).AsTask());
        await Refused(() => key.GenerateDataKey(new(_other, 32, true, null)).AsTask());
        await Refused(() => key.EncryptBatch(new(_other, [new([1], null)])).AsTask());
        await Refused(() => key.DecryptBatch(new(_other, [new(old, null)])).AsTask());
        await Refused(() => key.RewrapBatch(new(_other, [new(old, null)])).AsTask());
        Assert.Equal("permission_denied", (await key.Validate(new(_other))).Error);
        foreach (var caller in (Caller[])[_app, _other])
        {
            await Refused(() => key.Describe(new(caller)));
            await Refused(() => key.Update(new() { Caller = caller, Description = new(true, "x") }));
            await Refused(() => key.Rotate(new(caller)));
            await Refused(() => key.Disable(new(caller)));
            await Refused(() => key.DisableVersion(new(caller, 1)));
            await Refused(() => key.ScheduleDeletion(new(caller, TimeSpan.FromDays(30))));
            await Refused(() => policies.DescribePolicy(new(caller)));
            await Refused(() => policies.SetPolicy(Of(caller)));
            await Refused(() => policies.RemovePolicy(new(caller)));
        }

        await policies.RemovePolicy(new(_admin));
        Assert.NotNull(await key.Encrypt(new(_other, [1], null)));
        await policies.SetPolicy(Of(_other));
    }

    [Fact]
    public async Task Policy_ComesBeforeTheKeysState()
    {
        var (key, _) = await Make("policy.state", _useByApps);
        await key.Disable(new(_admin));
        Assert.Equal("key_disabled", (await Assert.ThrowsAsync<KmsException>(() => key.Encrypt(new(_app, [1], null)).AsTask())).Code);
        await Refused(() => key.Encrypt(new(_other, [1], null)).AsTask());
    }

    [Fact]
    public async Task Policy_OfDenialsAlone_RefusesJustThose()
    {
        var (key, _) = await Make("policy.deny", new PolicyStatement(PolicyEffect.Deny, ["keys:decrypt"], []) { When = new() { Source = ["192.0.2.0/24"] } });
        var encrypted = await key.Encrypt(new(_other, [1], null));
        await Refused(() => key.Decrypt(new(_other, encrypted.Ciphertext, null)).AsTask());
        Assert.NotNull(await key.Decrypt(new(_app, encrypted.Ciphertext, null)));
        await key.Rotate(new(_other));
    }

    [Fact]
    public async Task Policy_LooksAtEachItemOfABatch_AndAtTheKind()
    {
        var (key, _) = await Make(
            "policy.items",
            new(PolicyEffect.Allow, ["use"], []) { When = new() { AssociatedDataPrefix = [1], Specs = ["AES_256_GCM"], Protection = KeyProtection.Software } },
            new PolicyStatement(PolicyEffect.Deny, ["use"], []) { When = new() { Kind = CiphertextKind.DataKey } });
        var results = await key.EncryptBatch(new(_app, [new([1], [1, 2]), new([1], null), new([1], [2])]));
        Assert.Equal([null, "permission_denied", "permission_denied"], results.Select(result => result.Error?.Code));
        var back = await key.DecryptBatch(new(_app, [new(results[0].Value!.Ciphertext, [1, 2]), new(results[0].Value!.Ciphertext, null)]));
        Assert.Equal([null, "permission_denied"], back.Select(result => result.Error?.Code));
        await Refused(() => key.GenerateDataKey(new(_app, 32, true, [1])).AsTask());
        await Refused(() => key.Encrypt(new(_app, [1], [1], CiphertextKind.DataKey)).AsTask());
        Assert.NotNull(await key.Encrypt(new(_app, [1], [1])));
    }

    [Fact]
    public async Task Policy_OfEitherKey_BindsReencryption()
    {
        var (from, _) = await Make("policy.from", _useByApps);
        await Make("policy.to", _useByApps with { Principals = ["app-2"] });
        var encrypted = await from.Encrypt(new(_app, [1], null));
        var moving = Silo.Grains.GetGrain<IReencryptionGrain>(0);
        await Refused(() => moving.Reencrypt(new(_app, encrypted.Ciphertext, null, "policy.to", null)));
        await Refused(() => moving.Reencrypt(new(_other, encrypted.Ciphertext, null, "policy.to", null)));
        Assert.NotNull(await moving.Reencrypt(new(_app, encrypted.Ciphertext, null, "policy.from", null)));
    }

    [Fact]
    public async Task Policy_StaysWithTheKey_WhenItIsReadAgain()
    {
        PolicyStatement[] statements =
        [
            _useByApps with
            {
                When = new()
                {
                    Source = ["10.0.0.0/8"], NotBefore = DateTimeOffset.UnixEpoch, NotAfter = DateTimeOffset.MaxValue, AssociatedDataPrefix = [1, 2],
                    Kind = CiphertextKind.Data, Protection = KeyProtection.Software, Specs = ["AES_256_GCM"],
                },
            },
        ];
        var (key, policies) = await Make("policy.stays", statements);
        await Restart();
        (key, policies) = (Silo.Key("policy.stays"), Policies("policy.stays"));
        var stored = await policies.DescribePolicy(new(_admin));
        Assert.Equal(PolicyText.Of(statements), PolicyText.Of(stored.Statements));
        await Refused(() => key.Encrypt(new(_other, [1], [1, 2])).AsTask());
        Assert.NotNull(await key.Encrypt(new(_app, [1], [1, 2])));
    }

    [Fact]
    public async Task Policy_ThatCannotBe_IsRefused()
    {
        var (_, policies) = await Make("policy.bad");
        Assert.Equal("policy_not_found", await CodeOf(() => policies.DescribePolicy(new(_admin))));
        Assert.Equal("policy_not_found", await CodeOf(() => policies.RemovePolicy(new(_admin))));
        Assert.Equal("invalid_parameter", await CodeOf(() => policies.SetPolicy(Of(_admin, _useByApps with { Actions = ["keys:encrypts"] }))));
        Assert.Equal("policy_too_large", await CodeOf(() => policies.SetPolicy(Of(_admin, [.. Enumerable.Repeat(_useByApps, 101)]))));
        Assert.Equal("policy_too_large", await CodeOf(() => policies.SetPolicy(new(_admin, new byte[KmsLimits.PolicyBytes + 1]))));
        foreach (var text in (string[])["", "{}", "[{}]", "[null]", "[", """[{"effect":"Allow","actions":["use"],"keys":[],"x":1}]""", """[{"effect":"Allow","actions":null,"keys":[]}]""", new string('[', 1000)])
        {
            Assert.Contains(await CodeOf(() => policies.SetPolicy(new(_admin, System.Text.Encoding.UTF8.GetBytes(text)))), (string[])["invalid_request", "invalid_parameter"]);
        }

        Assert.Equal("key_not_found", await CodeOf(() => Policies("policy.none").SetPolicy(Of(_admin))));
        Assert.Equal("key_not_found", await CodeOf(() => Policies("policy.none").ReadFacts(new(_admin))));
        Assert.Equal(new("AES_256_GCM", KeyProtection.Software) { Usage = KeyUsage.EncryptDecrypt }, await policies.ReadFacts(new(_other)));
    }

    private async Task<(IKeyGrain Key, IKeyPolicyGrain Policies)> Make(string id, params PolicyStatement[] statements)
    {
        await Silo.Create(id);
        if (statements.Length > 0) await Policies(id).SetPolicy(Of(_admin, statements));
        return (Silo.Key(id), Policies(id));
    }

    private static SetKeyPolicy Of(Caller caller, params PolicyStatement[] statements) => new(caller, PolicyText.Of(statements));

    private IKeyPolicyGrain Policies(string id) => Silo.Grains.GetGrain<IKeyPolicyGrain>(id);

    private static Task Refused(Func<Task> call) => Refused("permission_denied", call);

    private static async Task<string> CodeOf(Func<Task> call) => (await Assert.ThrowsAsync<KmsException>(call)).Code;
}
