using System.Text;
using System.Text.Json;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Backups;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.Sealing;

/// <summary>
/// The bytes of Keys/Backups/FORMAT.md, computed from its text by another implementation of XAES-256-GCM. A backup made by any released
/// version can be restored for ever, so these do not change.
/// </summary>
public sealed class BackupFormatTests : IDisposable
{
    private const string Content =
        """{"made_at":"2026-11-29T12:00:00+00:00","key":{"spec":"AES_256_GCM","usage":"EncryptDecrypt","state":"Enabled","protection":"Software","origin":"Generated","exportable":true,"description":"d","created_at":"2026-01-02T03:04:05+00:00","primary_version":7,"min_decrypt_version":2,"versions":[{"version":1,"state":"Destroyed","created_at":"2026-01-02T03:04:05+00:00"},{"version":2,"state":"Disabled","created_at":"2026-01-03T03:04:05+00:00"},{"version":7,"state":"Enabled","created_at":"2026-01-04T03:04:05+00:00"}],"erase_pending":[],"history":{"count":5,"head":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","whole":true,"block":0,"newest":[]},"revision":9},"counters":{"versions":[{"version":7,"ceiling":1024,"decrypted":2,"verified":0,"bytes":77,"last_used_at":"2026-01-05T03:04:05+00:00"}],"windows":[{"of":"use","per":"1.00:00:00","spent":[1767582245000,3]}]}}""";

    private const string Golden =
        "6f6b6d620177906ac36b2348b8f6378db309f425d40123456789abcdef0123456789abcdef117061796d656e74732e65752e63617264730101010101"
        + "01010101010101010101010101010101010101aec634da1825914fa7b8d859a9a69dba85017af3a3ead25e30d808a108b8143d70e0c668a9fbc791e2"
        + "dcadc90fb93c67bc21b2105a76214bef87ae14aac4bd00861ade832cfd55f92724745c85420da24cd71b755037a8d479ccd26cf2d6b9be61c269c493"
        + "6d5ca22f11826c1a3780f02917bf6c5fb0aca3da849750abfd26b630e2e3dc57f2512597c547618babf2faa276a071e3da227019c202a9ca0da095b9"
        + "8030e1161829ef3ce3cc9495f90112bd97a15fcd40f366440c3428b294f3c920fb570632d0fb2e01d17823e81e2937e73f01f0f5f26a551245a714db"
        + "acb635160cb52d1e0a5b937675abf1ebbb33b8340bc8a226c25df44cc2f621f3f025904ab885466c63743940bce0577e65e871cc0cbab4da5221c46e"
        + "dbbdd73660331bf914bb26b898cd872239da8f477cff5524fef7154a0dd3ce1cacd63fc4d7564961d163cdb58c2bc74aad6ab99b3ebb942ae7bb2340"
        + "22a9a5a92d1ea99feeabf05edbf2a059d585e3cf64cb4961677876401311d8744afda967c523dfec2f58194540bbd50a93ee9704f925f762cf597301"
        + "e612ed573709334b530de92fb1052aa887c88c61853b9914e3aec477da12e2d853058b8213a60340f98ed59a6c4a8e82895906d61fa4a09b3bf62d54"
        + "5a8367c371dcfc6c2b927e8020d563a4322c457bf263f530a897488900d7399fb0be70c08abc4fab4397c6f7b4343f864e711d58d5571bc9a45f2135"
        + "3627745ac6d8ed230ce922240f9cd1f9559d4b25bfe09dd1e0ec8bbaa043426ec3fd7641cc9f53a56eb7003acc65619e11a1273db3ac0a499261d81d"
        + "703bebe2000ea6e2c02912cf88f9724b404325142721c5b6749c6e08fdb9d0818cd9f397c06d28e174b4201c54de6a52a1a3995c0905c14b33d1959f"
        + "b48ef55a7c34887408bb65c936178c240e3a486ad2ebb8f101548abbb087a26d1af262201394b179093635f12d050cc9137204fd88d8e6be8cb6d8e9"
        + "d0c503305c5283c05c72008677c0b799dfa3056514f0fbd230b15a50e747dc88e74a223c428022cb0aa003cde7f11b39beaeee5bcc182dd8b41a86af"
        + "d71c512522a5ccaaa7a81317b810185ad5a2dabb0f6be3e8b8629f1aeb6b0889e4e03e5d7d0bca47f3dc6846888acad62b9add3c5654d3f7d3da94fa"
        + "d0e9d00a2f1b2205d07ae9521c056a21d8ac3fc908efd14f63e1d55be81575704493fd79c20d914db0b71ee25338f920cbfd74a50c2e3768b685cc79"
        + "c48fd3740ac676e93f2c96d627d91a6958a9810b6d45f99d2e9bd45be61e1f6824f2a4512e5d0fac17bb9d8c3d5f4053c0db8f734a2b9552f4141655"
        + "61ea352b751d42399e127bbc5c0387a0431f64d277780fe0";

    private static readonly byte[] _kekBytes = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly Incarnation _incarnation = Incarnation.Read(Convert.FromHexString("0123456789abcdef0123456789abcdef"));
    private static readonly GrainId _grain = GrainId.Create("key", "payments.eu.cards");
    private static readonly byte[] _golden = Convert.FromHexString(Golden);
    private readonly OneKek _ring = new(_kekBytes);

    public void Dispose() => _ring.Dispose();

    [Fact]
    public void Seal_AWholeKey_HasTheGoldenBytes()
    {
        using var first = new SecretBytes(32);
        using var second = new SecretBytes(32);
        first.Span.Fill(0xAA);
        second.Span.Fill(0xBB);
        using var material = MaterialBundle.Of([new(2, first), new(7, second)]);
        using var content = BackupContent.Write(JsonSerializer.Deserialize(Content, KeyRowJson.Default.KeyBackupContent)!, material);
        Assert.Equal(Golden, Convert.ToHexStringLower(Sealer().Seal(_grain, _incarnation, content.Span)));
        Assert.Equal(_golden.Length, content.Length + BackupSealer.Overhead("payments.eu.cards"));
    }

    [Fact]
    public async Task Open_TheGoldenBytes_GivesTheWholeKey()
    {
        Assert.True(BackupHeader.TryRead(_golden, out var header));
        Assert.Equal(("payments.eu.cards", 38 + 17), (header.KeyId, header.Length));
        using var opened = await Sealer().TryOpen(_grain, _golden);
        var (content, material) = BackupContent.TryRead(opened!.Span)!.Value;
        using (material)
        {
            Assert.Equal(Content, JsonSerializer.Serialize(content, KeyRowJson.Default.KeyBackupContent));
            Assert.Equal([2, 7], material.Versions);
            Assert.Equal(Enumerable.Repeat((byte)0xAA, 32), material.Of(2).ToArray());
            Assert.Equal(Enumerable.Repeat((byte)0xBB, 32), material.Of(7).ToArray());
        }
    }

    [Fact]
    public async Task Open_WithAnyBitOfAnyByteFlipped_OrCutOff_OrContinued_IsRefused()
    {
        for (var at = 0; at < _golden.Length; at++)
        {
            var changed = _golden.ToArray();
            changed[at] ^= (byte)(1 << (at % 8));
            await Refused(changed, _grain);
            await Refused(_golden[..at], _grain);
        }

        await Refused([.. _golden, 0], _grain);
    }

    [Fact]
    public async Task Open_OfAnotherKeyServiceOrInstallation_IsRefused()
    {
        await Refused(_golden, GrainId.Create("key", "payments.eu.card"));
        await Refused(_golden, GrainId.Create("alias", "payments.eu.cards"));
        var renamed = _golden.ToArray();
        renamed[38] = (byte)'q';
        await Refused(renamed, GrainId.Create("key", "qayments.eu.cards"));
        Assert.Null(await new BackupSealer(_ring, "other", NonceSource.System).TryOpen(_grain, _golden));
        using var elsewhere = new OneKek(_kekBytes, installation: "10112233445566778899aabbccddeeff");
        Assert.Null(await new BackupSealer(elsewhere, "okms", NonceSource.System).TryOpen(_grain, _golden));
    }

    [Fact]
    public async Task Open_WithoutItsKek_SaysSo_AndARowIsNoBackup()
    {
        using var other = new OneKek([.. _kekBytes.Reverse()]);
        var refusal = await Assert.ThrowsAsync<KmsException>(() => new BackupSealer(other, "okms", NonceSource.System).TryOpen(_grain, _golden));
        Assert.Equal("invalid_parameter", refusal.Code);
        Assert.Contains(_ring.Current.Id.ToString(), refusal.Message, StringComparison.Ordinal);

        // The sealed part of a row, under the header of a backup.
        var material = new RowSealer(_ring, "okms", NonceSource.System).Wrap(new(_grain, _incarnation, 7), new byte[32]);
        await Refused([.. _golden[..55], .. material.Sealed.Span], _grain);
    }

    [Fact]
    public void Seal_WithoutAManifest_IsUnavailable()
    {
        using var none = new OneKek(_kekBytes, installation: "");
        Assert.Equal("unavailable", Assert.Throws<KmsException>(() => new BackupSealer(none, "okms", NonceSource.System).Seal(_grain, _incarnation, [1])).Code);
    }

    [Fact]
    public void Seal_Twice_TakesAnotherNonce() => Assert.NotEqual(
        new BackupSealer(_ring, "okms", NonceSource.System).Seal(_grain, _incarnation, [1]),
        new BackupSealer(_ring, "okms", NonceSource.System).Seal(_grain, _incarnation, [1]));

    [Theory]
    [InlineData("", false)]
    [InlineData("000000", false)]
    [InlineData("00000000", true)]
    [InlineData("0000000000", false)]
    [InlineData("00000001" + "00000001" + "00000001" + "aa", true)]
    [InlineData("00000001" + "00000001" + "00000001", false)]
    [InlineData("00000001" + "00000001" + "00000002" + "aa", false)]
    [InlineData("00000001" + "00000001" + "00000001" + "aabb", false)]
    [InlineData("00000001" + "00000000" + "00000001" + "aa", false)]
    [InlineData("00000001" + "00000001" + "00000000", false)]
    [InlineData("00000001" + "ffffffff" + "00000001" + "aa", false)]
    [InlineData("00000001" + "00000001" + "ffffffff" + "aa", false)]
    [InlineData("7fffffff" + "00000001" + "00000001" + "aa", false)]
    [InlineData("ffffffff" + "00000001" + "00000001" + "aa", false)]
    [InlineData("00000002" + "00000001" + "00000001" + "aa" + "00000001" + "00000001" + "bb", false)]
    [InlineData("00000002" + "00000002" + "00000001" + "aa" + "00000001" + "00000001" + "bb", false)]
    [InlineData("00000002" + "00000001" + "00000001" + "aa" + "00000002" + "00000001" + "bb", true)]
    public void Bundle_IsReadOnlyIfItIsExactlyOne(string hex, bool isOne)
    {
        using var read = MaterialBundle.TryRead(Convert.FromHexString(hex));
        Assert.Equal(isOne, read is not null);
    }

    [Theory]
    [InlineData("00000000" + "00000000")]
    [InlineData("00000002" + "7b7d" + "00000000")]
    [InlineData("00000004" + "6e756c6c" + "00000000")]
    [InlineData("ffffffff" + "7b7d" + "00000000")]
    [InlineData("7fffffff" + "7b7d" + "00000000")]
    [InlineData("0000")]
    public void Content_ThatIsNone_IsNotRead(string hex) => Assert.Null(BackupContent.TryRead(Convert.FromHexString(hex)));

    [Fact]
    public void Content_FieldOfANewerProgram_IsIgnored()
    {
        var text = Encoding.UTF8.GetBytes(Content.Replace("\"spec\"", "\"new_field\":[1],\"spec\"", StringComparison.Ordinal));
        byte[] bytes = [0, 0, (byte)(text.Length >> 8), (byte)text.Length, .. text, 0, 0, 0, 0];
        Assert.Equal(7, BackupContent.TryRead(bytes)!.Value.Content.Key.PrimaryVersion);
    }

    private BackupSealer Sealer() => new(_ring, "okms", new CountingNonces());

    private async Task Refused(byte[] backup, GrainId grain)
    {
        try
        {
            Assert.Null(await Sealer().TryOpen(grain, backup));
        }
        catch (KmsException e)
        {
            // It names another KEK.
            Assert.Equal("invalid_parameter", e.Code);
            Assert.False(backup.AsSpan(5, 16).SequenceEqual(_golden.AsSpan(5, 16)));
        }
    }

    private sealed class CountingNonces : NonceSource
    {
        private byte _next;

        internal override void Next(Span<byte> nonce) => nonce.Fill(++_next);
    }
}
