using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.Root;

/// <summary>The manifest of the KEKs, byte by byte as grains/Root/FORMAT.md has it, and what may follow what.</summary>
public sealed class RingManifestTests
{
    private const string Golden =
        "01" + "000102030405060708090a0b0c0d0e0f" + "00000002" + "0000000000000007" + "0003"
        + "00000000000000000000000000000001" + "03" + "00000000000000000000000000000002" + "02" + "ff000000000000000000000000000003" + "01";

    private static readonly KekId _old = new(0, 1);
    private static readonly KekId _current = new(0, 2);
    private static readonly KekId _new = KekId.Read(Convert.FromHexString("ff000000000000000000000000000003"));

    private static readonly RingManifest _manifest = new(
        new InstallationId(0x0001020304050607, 0x08090a0b0c0d0e0f), 2, 7,
        new Dictionary<KekId, RingState> { [_new] = RingState.New, [_current] = RingState.Current, [_old] = RingState.Superseded });

    [Fact]
    public void Written_IsTheGoldenBytes_AndReadsBack()
    {
        Assert.Equal(Golden, Convert.ToHexStringLower(_manifest.ToBytes()));
        var read = RingManifest.TryRead(Convert.FromHexString(Golden))!;
        Assert.Equal((_manifest.Installation, 2, 7L, _current), (read.Installation, read.Epoch, read.Generation, read.Current));
        Assert.Equal(_manifest.Keks.OrderBy(k => (k.Key.High, k.Key.Low)), read.Keks.OrderBy(k => (k.Key.High, k.Key.Low)));
    }

    [Fact]
    public void Read_AnythingElse_IsNone()
    {
        var bytes = Convert.FromHexString(Golden);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Null(RingManifest.TryRead(bytes.AsSpan(0, length)));
        }

        Assert.Null(RingManifest.TryRead([.. bytes, 0]));
        foreach (var (place, value) in new[] { (0, 2), (17, 0x80), (28, 0), (30, 2), (47, 0), (47, 2), (64, 3), (81, 4), (31, 0xff) })
        {
            var changed = (byte[])bytes.Clone();
            changed[place] = (byte)value;
            Assert.Null(RingManifest.TryRead(changed));
        }
    }

    [Fact]
    public async Task MacOfAFileRoot_IsTheGoldenBytes_AndOfThatManifestAndRootOnly()
    {
        var directory = Directory.CreateTempSubdirectory("okms-root-");
        try
        {
            var root = await FileRoot(directory, "root.key", 1);
            var bytes = _manifest.ToBytes();
            var mac = await root.Authenticate(bytes, default);
            Assert.Equal("04f681999eaf85f2f72e1e9fece8fee3c2a13d67e83e43f74719c8817a470984", Convert.ToHexStringLower(mac));
            Assert.True(await root.IsAuthentic(bytes, mac, default));
            Assert.False(await root.IsAuthentic(_manifest.InEpoch(3).ToBytes(), mac, default));
            Assert.False(await root.IsAuthentic(bytes, mac.AsMemory(0, mac.Length - 1), default));
            Assert.False(await (await FileRoot(directory, "other.key", 2)).IsAuthentic(bytes, mac, default));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void KekWithItsBirth_IsWrappedAsTheGoldenBytes()
    {
        using var wrapped = new KekBirth(_manifest.Installation, 7).With(Enumerable.Repeat((byte)0xaa, 32).ToArray());
        Assert.Equal(
            string.Concat(Enumerable.Repeat("aa", 32)) + "000102030405060708090a0b0c0d0e0f" + "0000000000000007",
            Convert.ToHexStringLower(wrapped.Span));
        using var opened = new OpenedKek(wrapped);
        Assert.Equal(new KekBirth(_manifest.Installation, 7), opened.Birth);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(48)]
    [InlineData(55)]
    [InlineData(57)]
    public async Task WhatIsNoKek_IsNotOpened_AlsoWhereItsIdFits(int length)
    {
        // As what a token's AES-KEY-WRAP-PAD has made for another purpose, a manifest's MAC with its 48 bytes above all.
        var secret = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        Assert.Null(await new Opening(secret).TryOpen(KekOpening.IdOf(secret.AsSpan(0, Math.Min(32, length))), [1], default));
        var kek = secret.Concat(new byte[57]).Take(56).ToArray();
        using var opened = await new Opening(kek).TryOpen(KekOpening.IdOf(kek.AsSpan(0, 32)), [1], default);
        Assert.NotNull(opened);
    }

    [Fact]
    public void Follows_OnlyWhatRises_OfTheSameInstallation_AndDoesNotGoBack()
    {
        var next = _manifest.WithCurrent(_new);
        Assert.Equal((8, _new, RingState.Superseded), (next.Generation, next.Current, next.Keks[_current]));
        Assert.Null(next.WhyNotAfter(_manifest));
        Assert.Null(_manifest.InEpoch(3).WhyNotAfter(_manifest with { Generation = 7 }));
        Assert.NotNull(_manifest.WhyNotAfter(_manifest));
        Assert.NotNull(_manifest.WhyNotAfter(next));
        Assert.NotNull((_manifest with { Generation = 99, Epoch = 1 }).WhyNotAfter(_manifest));
        Assert.NotNull((next with { Installation = new(0, 1) }).WhyNotAfter(_manifest));
        var back = new RingManifest(_manifest.Installation, 2, 9, new Dictionary<KekId, RingState> { [_old] = RingState.Current });
        Assert.Contains("superseded", back.WhyNotAfter(_manifest), StringComparison.Ordinal);
    }

    [Fact]
    public void Change_OfWhatIsNotSo_IsAConflict()
    {
        foreach (var id in (KekId[])[_old, _current, new(0, 9)])
        {
            Assert.Equal(KmsError.Conflict.Code, Assert.Throws<KmsException>(() => _manifest.WithCurrent(id)).Code);
        }

        Assert.Equal(KmsError.Conflict.Code, Assert.Throws<KmsException>(() => _manifest.Without(_current)).Code);
        Assert.DoesNotContain(_old, _manifest.Without(_old).Keks.Keys);
    }

    private static async Task<FileRootKey> FileRoot(DirectoryInfo directory, string name, byte value)
    {
        var path = Path.Combine(directory.FullName, name);
        await File.WriteAllBytesAsync(path, Enumerable.Repeat(value, 32).ToArray());
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var root = new FileRootKey(path, isHandedIn: true, NullLogger<FileRootKey>.Instance);
        await root.Open(mayCreate: false, default);
        return root;
    }

    /// <summary>A root that opens whatever it is given as the same secret.</summary>
    private sealed class Opening(byte[] secret) : IRootKey
    {
        public string Id => "test";

        public Task Open(bool mayCreate, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<byte[]> Wrap(KekId id, SecretBytes kek, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<SecretBytes?> Unwrap(KekId id, ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken)
        {
            var opened = new SecretBytes(secret.Length);
            secret.CopyTo(opened.Span);
            return Task.FromResult<SecretBytes?>(opened);
        }

        public Task<byte[]> Authenticate(ReadOnlyMemory<byte> manifest, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> IsAuthentic(ReadOnlyMemory<byte> manifest, ReadOnlyMemory<byte> mac, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
