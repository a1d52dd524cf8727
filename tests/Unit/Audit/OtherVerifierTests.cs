using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Grains.Audit.Trail;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>
/// A verifier of somebody else, written from the pages c2sp.org/signed-note, tlog-checkpoint and tlog-tiles and from RFC 6962 alone: it
/// knows nothing of this service but the files of a log, and has openssl check the signature.
/// </summary>
public sealed class OtherVerifierTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-other-");

    private string Log => Path.Combine(_root.FullName, "log");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(70_000)]
    public async Task Log_IsAccepted_AndAChangedOneIsNot(int count)
    {
        await using (var trail = AuditTrail.Open(
            new(Log), SignedNoteTests.Signer("okms.example/log", 7), new(), TimeProvider.System, NullLogger<AuditTrail>.Instance))
        {
            for (var i = 0; i < count; i++) await trail.Append(Encoding.UTF8.GetBytes($"\"n\":{i}"));
        }

        Assert.True(await Accepts());
        var tile = Path.Combine(Log, count < 256 ? $"tile/0/000.p/{count}" : "tile/0/000");
        var hashes = await File.ReadAllBytesAsync(tile);
        hashes[0] ^= 1;
        await File.WriteAllBytesAsync(tile, hashes);
        Assert.False(await Accepts());
        hashes[0] ^= 1;
        await File.WriteAllBytesAsync(tile, hashes);
        Assert.True(await Accepts());
        var checkpoint = await File.ReadAllTextAsync(Path.Combine(Log, "checkpoint"));
        await File.WriteAllTextAsync(Path.Combine(Log, "checkpoint"), checkpoint.Replace($"\n{count}\n", $"\n{count + 1}\n", StringComparison.Ordinal));
        Assert.False(await Accepts());
    }

    private async Task<bool> Accepts()
    {
        // signed-note: text, an empty line, signature lines "— name base64(4 bytes of key id, signature)".
        var note = await File.ReadAllTextAsync(Path.Combine(Log, "checkpoint"));
        var text = note[..(note.IndexOf("\n\n", StringComparison.Ordinal) + 1)];
        var line = note[(text.Length + 1)..].TrimEnd('\n').Split(' ');
        var vkey = (await File.ReadAllTextAsync(Path.Combine(Log, "log.vkey"))).Trim().Split('+', 3);
        var key = Convert.FromBase64String(vkey[2]);
        var signature = Convert.FromBase64String(line[2]);
        var id = SHA256.HashData([.. Encoding.UTF8.GetBytes(vkey[0]), (byte)'\n', .. key])[..4];
        if (line[0] != "—" || line[1] != vkey[0] || key[0] != 1 || !signature.AsSpan(0, 4).SequenceEqual(id)) return false;
        if (!await OpenSslVerifies(key[1..], text, signature[4..])) return false;

        // tlog-checkpoint: origin, size, root.
        var lines = text.Split('\n');
        var size = int.Parse(lines[1], CultureInfo.InvariantCulture);
        if (lines[0] != vkey[0]) return false;

        // tlog-tiles: leaves in tile/0/N, 256 a tile; those of the records; and upwards.
        var records = Directory.GetFiles(Path.Combine(Log, "records")).Order(StringComparer.Ordinal).SelectMany(File.ReadLines)
            .Select(record => SHA256.HashData([0, .. Encoding.UTF8.GetBytes(record)])).ToArray();
        if (records.Length < size || Tiles(0, size) is not { } leaves || !Same(leaves, records[..size])) return false;
        if (!Same([Root(leaves)], [Convert.FromBase64String(lines[2])])) return false;
        for (var level = 1; leaves.Length >= 256; level++)
        {
            leaves = [.. leaves.Chunk(256).Where(chunk => chunk.Length == 256).Select(Root)];
            if (Tiles(level, leaves.Length) is not { } above || !Same(above, leaves)) return false;
        }

        return true;
    }

    private byte[][]? Tiles(int level, int count)
    {
        var hashes = new List<byte[]>();
        for (var n = 0; hashes.Count < count; n++)
        {
            var width = Math.Min(256, count - hashes.Count);
            var name = n < 1000 ? $"{n:000}" : $"x{n / 1000:000}/{n % 1000:000}";
            var file = Path.Combine(Log, "tile", level.ToString(CultureInfo.InvariantCulture), width < 256 ? $"{name}.p/{width}" : name);
            if (!File.Exists(file) || File.ReadAllBytes(file) is not { } bytes || bytes.Length != width * 32) return null;
            hashes.AddRange(bytes.Chunk(32));
        }

        return [.. hashes];
    }

    // RFC 6962, section 2.1.
    private static byte[] Root(byte[][] leaves)
    {
        if (leaves.Length == 1) return leaves[0];
        var split = 1;
        while (split * 2 < leaves.Length) split *= 2;
        return SHA256.HashData([1, .. Root(leaves[..split]), .. Root(leaves[split..])]);
    }

    private static bool Same(byte[][] one, byte[][] other) =>
        one.Length == other.Length && one.Zip(other).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    private async Task<bool> OpenSslVerifies(byte[] key, string text, byte[] signature)
    {
        var (pem, message, sig) = (Path.Combine(_root.FullName, "key.pem"), Path.Combine(_root.FullName, "text"), Path.Combine(_root.FullName, "sig"));
        // RFC 8410: the header of an Ed25519 key.
        await File.WriteAllTextAsync(pem, PemEncoding.WriteString("PUBLIC KEY", [.. Convert.FromHexString("302a300506032b6570032100"), .. key]));
        await File.WriteAllTextAsync(message, text);
        await File.WriteAllBytesAsync(sig, signature);
        using var openssl = Process.Start(new ProcessStartInfo(
            "openssl", ["pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin", "-in", message, "-sigfile", sig])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await openssl.WaitForExitAsync();
        return openssl.ExitCode == 0;
    }
}
