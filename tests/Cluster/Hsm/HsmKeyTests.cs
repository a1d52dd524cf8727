using System.Text;
using Microsoft.Extensions.Time.Testing;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Keys that live in the HSM: made, used, destroyed and counted there.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmKeyTests(SharedToken shared) : IClassFixture<SharedToken>
{
    private static readonly KeyAlgorithm _algorithm = new Aes256GcmAlgorithm();
    private static readonly byte[] _plaintext = Encoding.UTF8.GetBytes("4111 1111 1111 1111");

    private readonly string _service = Guid.NewGuid().ToString("N");

    private static DateOnly Today => DateOnly.FromDateTime(DateTime.UtcNow);

    private HsmKeyProvider Keys => shared.Keys(_service);

    [Fact]
    public async Task Encrypt_MadeInTheHsm_OpensAgain_AndNothingElseDoes()
    {
        using var version = await Make(new("payments.eu", Incarnation.New(), 7));

        var ciphertext = await version.Encrypt(CiphertextKind.Data, _plaintext, "customer=42"u8.ToArray());

        Assert.True(CiphertextHeader.TryRead(ciphertext, out var header));
        Assert.Equal(("payments.eu", 7, (byte)1, CiphertextKind.Data), (header.KeyId, header.KeyVersion, header.Algorithm, header.Kind));
        Assert.Equal(header.Length + 12 + _plaintext.Length + 16, ciphertext.Length);
        Assert.Equal(_plaintext, await version.Decrypt(header, ciphertext, "customer=42"u8.ToArray()));
        Assert.Null(await version.Decrypt(header, ciphertext, "customer=43"u8.ToArray()));
        Assert.Null(await version.Decrypt(header, ciphertext, default));
        for (var i = header.Length; i < ciphertext.Length; i++)
        {
            byte[] changed = [.. ciphertext];
            changed[i] ^= 1;
            Assert.Null(await version.Decrypt(header, changed, "customer=42"u8.ToArray()));
        }

        Assert.True(shared.Token.IsHealthy);
        Assert.NotEqual(ciphertext, await version.Encrypt(CiphertextKind.Data, _plaintext, "customer=42"u8.ToArray()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(4099)]
    [InlineData(65536)]
    public async Task Encrypt_AnySize_IsThatOfTheSoftware(int size)
    {
        var name = new KeyVersionName("twin", Incarnation.New(), 3);
        var id = HsmKeyId.New(HsmKeyId.ServiceOf(_service), name.Incarnation, name.Version, Today).ToArray();
        byte[] material = [.. Enumerable.Range(1, 32).Select(i => (byte)(i * 7))];
        SharedToken.Import(new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_SECRET_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)CKK.CKK_AES).Add(CKA.CKA_TOKEN, true)
            .Add(CKA.CKA_PRIVATE, true).Add(CKA.CKA_ENCRYPT, true).Add(CKA.CKA_DECRYPT, true)
            .Add(CKA.CKA_ID, id).Add(CKA.CKA_VALUE, material));
        using var inHsm = Open(name, id);
        using var inSoftware = new SoftwareKeyProvider().Open(_algorithm, KeyUsage.EncryptDecrypt, name, material).Require<IEncryptsAtOnce>();
        var plaintext = new byte[size];
        Random.Shared.NextBytes(plaintext);
        byte[] associatedData = [.. plaintext.Take(100)];

        foreach (var (from, to) in new (IEncrypts, IEncrypts)[] { (inHsm, inSoftware), (inSoftware, inHsm) })
        {
            var ciphertext = await from.Encrypt(CiphertextKind.DataKey, plaintext, associatedData);
            Assert.True(CiphertextHeader.TryRead(ciphertext, out var header));
            Assert.Equal(plaintext, await to.Decrypt(header, ciphertext, associatedData));
            Assert.Equal(inSoftware.CiphertextLength(size), ciphertext.Length);
        }
    }

    [Fact]
    public async Task Encrypt_TooLarge_IsRefused_AndTheTokenStaysUp()
    {
        using var version = await Make(new("large", Incarnation.New(), 1));

        var refusal = await Assert.ThrowsAsync<KmsException>(
            async () => await version.Encrypt(CiphertextKind.Data, new byte[shared.Token.Gcm!.MaxMessage + 1], default));

        Assert.Equal("payload_too_large", refusal.Code);
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task Generate_ManyAtOnceOfOneName_AreKeysOfTheirOwn_WithIdAndLabel()
    {
        var name = new KeyVersionName("payments.us", Incarnation.New(), 2);
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => await Keys.Generate(_algorithm, name)));
        var versions = made.Select(m => Open(name, m.Kept.Span)).ToList();

        var found = await Inventory(TimeProvider.System).List(default);
        Assert.Equal(made.Select(m => Convert.ToHexStringLower(m.Kept.Span)).Order(), found.Select(f => f.Id.ToString()).Order());
        Assert.All(found, f => Assert.Equal(("payments.us v2", name.Incarnation, 2), (f.Label, f.Id.Incarnation, f.Id.Version)));

        // What one encrypts no other opens.
        var ciphertext = await versions[0].Encrypt(CiphertextKind.Data, _plaintext, default);
        Assert.True(CiphertextHeader.TryRead(ciphertext, out var header));
        Assert.Equal(_plaintext, await versions[0].Decrypt(header, ciphertext, default));
        Assert.Null(await versions[1].Decrypt(header, ciphertext, default));

        await Keys.Destroy(name);
        Assert.Empty(await Inventory(TimeProvider.System).List(default));
    }

    [Fact]
    public async Task Open_AnotherVersionsReference_IsCorruption()
    {
        var name = new KeyVersionName("moved", Incarnation.New(), 1);
        using var made = await Keys.Generate(_algorithm, name);

        foreach (var other in new[] { name with { Version = 2 }, name with { Incarnation = Incarnation.New() } })
        {
            Assert.Equal("key_corrupted", Assert.Throws<KmsException>(() => Open(other, made.Kept.Span)).Code);
        }
    }

    [Fact]
    public async Task Destroy_TheKeyIsGone_AndAgainIsHarmless()
    {
        var name = new KeyVersionName("gone", Incarnation.New(), 1);
        using var version = await Make(name);
        var ciphertext = await version.Encrypt(CiphertextKind.Data, _plaintext, default);
        Assert.True(CiphertextHeader.TryRead(ciphertext, out var header));

        await Keys.Destroy(name);
        await Keys.Destroy(name);

        Assert.Empty(await Inventory(TimeProvider.System).List(default));
        await Assert.ThrowsAsync<KmsException>(async () => await version.Decrypt(header, ciphertext, default));
        Assert.True(shared.Token.IsHealthy);
    }

    [Fact]
    public async Task Orphans_AreFound_AndRemovedByNameOnly()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-3));
        var known = new KeyVersionName("known", Incarnation.New(), 1);
        var lost = new KeyVersionName("lost", Incarnation.New(), 1);
        var keys = shared.Keys(_service, time);
        foreach (var name in new[] { known, lost }) (await keys.Generate(_algorithm, name)).Dispose();
        var inventory = Inventory(time);
        var madeOn = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        ValueTask<bool> IsKnown(HsmKeyFound key) => new(key.Id.Incarnation == known.Incarnation);

        var orphan = Assert.Single(await inventory.FindOrphans(IsKnown, default));
        Assert.Equal("lost v1", orphan.Label);
        var id = orphan.Id.ToString();
        await Refused("conflict", id);
        time.Advance(TimeSpan.FromDays(2));
        await Refused("invalid_parameter", (orphan.Id with { Service = 1 }).ToString());
        await Refused("invalid_parameter", (orphan.Id with { Incarnation = known.Incarnation }).ToString());
        await Refused("conflict", id, since: madeOn.AddDays(1));
        Assert.Equal(2, (await inventory.List(default)).Count);

        await inventory.RemoveOrphans([id], IsKnown, madeOn, default);
        Assert.Equal("known v1", Assert.Single(await inventory.List(default)).Label);

        // All or none: what may be removed is not, beside what may not.
        async Task Refused(string code, string orphanId, DateOnly? since = null) => Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(
            () => inventory.RemoveOrphans([id, orphanId], IsKnown, since ?? madeOn, default))).Code);
    }

    private HsmInventory Inventory(TimeProvider time) => new(shared.Token, _service, time);

    private async Task<IEncrypts> Make(KeyVersionName name)
    {
        using var made = await Keys.Generate(_algorithm, name);
        return Open(name, made.Kept.Span);
    }

    private IEncrypts Open(KeyVersionName name, ReadOnlySpan<byte> kept) =>
        Keys.Open(_algorithm, KeyUsage.EncryptDecrypt, name, kept).Require<IEncrypts>();
}
