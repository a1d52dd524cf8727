using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// Activations whose rows were sealed anew behind them, and whose KEK was then destroyed: what they hold in memory is wrapped
/// under a KEK that is gone, and no caller may notice.
/// </summary>
public sealed class ResealedKeyTests : IAsyncLifetime
{
    private static readonly byte[] _plaintext = "sealed anew"u8.ToArray();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-reseal-");
    private TestSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await TestSilo.Start(new()
    {
        DataDirectory = _folder.FullName,
        PresenceInterval = TimeSpan.FromSeconds(20),
        ResealRate = 100_000,
    });

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    public static TheoryData<string> Operations() =>
        ["decrypt", "decrypt-old", "encrypt", "rotate", "disable-enable", "update", "destroy-version", "schedule-deletion"];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task OldKekDestroyed_EachOperationOfALiveActivation_GoesOn(string operation)
    {
        await _silo.Create("live");
        var first = await Encrypt();
        await _silo.Key("live").Rotate(new(TestSilo.Caller));
        var second = await Encrypt();

        // The activation holds the newest version wrapped under the KEK of today, and no cipher: the next use must open it.
        await _silo.Key("live").Disable(new(TestSilo.Caller));
        await _silo.Key("live").Enable(new(TestSilo.Caller));
        await ReplaceKek();

        await Run(operation, first, second);

        if (operation is not ("schedule-deletion" or "destroy-version"))
        {
            Assert.Equal(_plaintext, (await Decrypt(first)).Plaintext);
        }

        if (operation != "schedule-deletion")
        {
            Assert.Equal(_plaintext, (await Decrypt(second)).Plaintext);
            Assert.Equal(_plaintext, (await Decrypt(await Encrypt())).Plaintext);
        }
    }

    /// <summary>The private key of an import is sealed by no KEK alone, and its row is sealed anew as any other.</summary>
    [Fact]
    public async Task OldKekDestroyed_ParametersOfAnImport_AreStillGood()
    {
        await _silo.Key("own").Create(new() { Caller = TestSilo.Caller, Origin = KeyOrigin.External });
        var imports = _silo.Grains.GetGrain<IKeyImportGrain>("own");
        var parameters = await imports.MakeParameters(new(TestSilo.Caller) { Within = TimeSpan.FromMinutes(5) });
        await ReplaceKek();
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(parameters.WrappingPublicKey, out _);
        using var aes = Aes.Create();
        byte[] wrapped = [.. rsa.Encrypt(aes.Key, RSAEncryptionPadding.OaepSHA256), .. aes.EncryptKeyWrapPadded(new byte[32])];
        Assert.Equal(1, (await imports.Import(new(TestSilo.Caller, parameters.ImportToken, wrapped))).PrimaryVersion);
        await ReplaceKek();

        // The second import compares with the first, whose material is opened for that.
        parameters = await imports.MakeParameters(new(TestSilo.Caller) { Within = TimeSpan.FromMinutes(5) });
        rsa.ImportSubjectPublicKeyInfo(parameters.WrappingPublicKey, out _);
        wrapped = [.. rsa.Encrypt(aes.Key, RSAEncryptionPadding.OaepSHA256), .. aes.EncryptKeyWrapPadded(new byte[32])];
        Assert.Single((await imports.Import(new(TestSilo.Caller, parameters.ImportToken, wrapped))).Versions);
    }

    private async Task Run(string operation, Encrypted first, Encrypted second)
    {
        var key = _silo.Key("live");
        switch (operation)
        {
            case "decrypt":
                await Decrypt(second);
                break;
            case "decrypt-old":
                await Decrypt(first);
                break;
            case "encrypt":
                await Encrypt();
                break;
            case "rotate":
                Assert.Equal(3, (await key.Rotate(new(TestSilo.Caller))).PrimaryVersion);
                break;
            case "disable-enable":
                await key.Disable(new(TestSilo.Caller));
                Assert.Equal(KeyState.Enabled, (await key.Enable(new(TestSilo.Caller))).State);
                break;
            case "update":
                var described = await key.Update(new() { Caller = TestSilo.Caller, Description = new(true, "changed") });
                Assert.Equal("changed", described.Description);
                break;
            case "destroy-version":
                await _silo.DestroyVersion("live", 1);
                break;
            default:
                Assert.Equal(KeyState.PendingDeletion, (await key.ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromDays(30)))).State);
                break;
        }
    }

    private async Task ReplaceKek()
    {
        var services = _silo.Services;
        var (ring, rotation) = (services.GetRequiredService<KekRing>(), services.GetRequiredService<KekRotation>());
        var presence = services.GetRequiredService<SiloPresence>();
        var sweep = services.GetServices<IHostedService>().OfType<KekSweep>().Single();
        var old = ring.Current.Id;
        await rotation.Begin(default);
        await presence.Beat(default);
        await sweep.Run(default);
        await presence.Beat(default);
        await rotation.Destroy(old, default);
        await presence.Beat(default);
        await presence.Beat(default);
        Assert.Null(ring.Find(old));
    }

    private async Task<Encrypted> Encrypt() =>
        await _silo.Key("live").Encrypt(new(TestSilo.Caller, _plaintext, null, CiphertextKind.Data));

    private async Task<Decrypted> Decrypt(Encrypted encrypted) =>
        await _silo.Key("live").Decrypt(new(TestSilo.Caller, encrypted.Ciphertext, null));
}
