using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Backups;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Targets: the header of a backup, which is read before anything is authentic, and the content behind it.</summary>
public class BackupFuzz
{
    [Fact]
    public void Header_HostileBytes_NeverThrows_AndNamesAKey()
    {
        byte[][] genuine = [.. new[] { "k", "payments.eu.cards", new string('k', KmsLimits.IdLength) }
            .Select(id => (byte[])[.. "okmb"u8, 1, .. new byte[32], (byte)id.Length, .. System.Text.Encoding.ASCII.GetBytes(id), .. new byte[48]])];
        var hostile = new HostileBytes(HostileBytes.Seed);
        var read = 0;
        for (var round = 0; round < 5 * HostileBytes.Rounds; round++)
        {
            var bytes = hostile.Of(genuine);
            if (!BackupHeader.TryRead(bytes, out var header)) continue;
            read++;
            Assert.True(KeyId.IsValid(header.KeyId) && header.Length == 38 + header.KeyId.Length && header.Length <= bytes.Length, $"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(bytes)}");
        }

        Assert.InRange(read, HostileBytes.Rounds / 4, 5 * HostileBytes.Rounds);
    }

    [Fact]
    public void Material_HostileBytes_NeverThrows_AndIsWhatWouldBeWritten()
    {
        using var one = SecretBytes.Random(32);
        using var other = SecretBytes.Random(7);
        byte[][] genuine = [MaterialBundle.Of([]).Bytes.ToArray(), MaterialBundle.Of([new(1, one)]).Bytes.ToArray(), MaterialBundle.Of([new(3, one), new(28_000_000, other)]).Bytes.ToArray()];
        var hostile = new HostileBytes(HostileBytes.Seed);
        var read = 0;
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var bytes = hostile.Of(genuine);
            _ = BackupContent.TryRead(bytes);
            using var bundle = MaterialBundle.TryRead(bytes);
            if (bundle is null) continue;
            read++;
            using var again = MaterialBundle.Of([.. bundle.Versions.Select(version => new KeptMaterial(version, SecretBytes.CopyOf(bundle.Of(version))))]);
            Assert.True(again.Bytes.SequenceEqual(bytes), $"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(bytes)}");
        }

        Assert.InRange(read, HostileBytes.Rounds / 20, HostileBytes.Rounds);
    }
}
