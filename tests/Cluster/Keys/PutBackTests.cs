using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// An older sealed row, put back by somebody who writes the database, behind an activation that has seen a newer one. The version
/// beside it he leaves, or sets as he likes: it is not sealed.
/// </summary>
public sealed class PutBackTests : KeyGrainTest
{
    [Fact]
    public async Task Key_WithAVersionLess_IsCorruptedToTheActivationThatHasSeenTheVersion()
    {
        await Silo.Create("rolled.back");
        var earlier = await Payload("rolled.back", RowNames.Key);
        await Rotate("rolled.back");
        var (encrypted, newest) = (await Encrypt("rolled.back"), await Payload("rolled.back", RowNames.Key));

        await Put("rolled.back", RowNames.Key, earlier);
        var rows = Silo.Grains.GetGrain<IKeyRowsGrain>("rolled.back");
        await Refused("key_corrupted", () => rows.Check(new(TestSilo.Caller)));
        await Refused("key_corrupted", () => Encrypt("rolled.back"));
        await Refused("key_corrupted", () => Silo.Key("rolled.back").Enable(new(TestSilo.Caller)));

        await Put("rolled.back", RowNames.Key, newest);
        Assert.Equal(Plaintext, (await Decrypt("rolled.back", encrypted)).Plaintext);
        Assert.Equal(2, (await Encrypt("rolled.back")).KeyVersion);
    }

    [Fact]
    public async Task Usage_WithUsesThatWereCounted_IsCorruptedToTheActivationThatHasCountedThem()
    {
        // So few that every block is one use, and every use a write.
        await Silo.Create("uncounted", new(null, 16));
        await Encrypt("uncounted");
        var earlier = await Payload("uncounted", RowNames.KeyUsage);
        await Encrypt("uncounted");
        await Encrypt("uncounted");
        await Silo.Key("uncounted").Enable(new(TestSilo.Caller));
        var newest = await Payload("uncounted", RowNames.KeyUsage);
        Assert.NotEqual(earlier, newest);

        // A write whose outcome is not known makes the row be read before the next one.
        Silo.Gate.FailAt(0, Unknown());
        for (var spent = false; !spent;)
        {
            spent = (await Record.ExceptionAsync(() => Encrypt("uncounted"))) is KmsException { Code: "storage_unavailable" };
        }

        Silo.Gate.HoldAt(-1);
        await Put("uncounted", RowNames.KeyUsage, earlier);
        Time.Advance(TimeSpan.FromSeconds(2));
        await Refused("key_corrupted", () => Encrypt("uncounted"));

        await Put("uncounted", RowNames.KeyUsage, newest);
        Time.Advance(TimeSpan.FromSeconds(2));
        await Encrypt("uncounted");
    }

    private async Task<byte[]> Payload(string id, string row)
    {
        await using var connection = await Silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command(
            "SELECT payload FROM okms_row WHERE row_name = @row AND grain_key = @key", ("row", row), ("key", "=" + id));
        return (byte[])(await command.ExecuteScalarAsync())!;
    }

    private async Task Put(string id, string row, byte[] payload)
    {
        await using var connection = await Silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command(
            "UPDATE okms_row SET payload = @payload WHERE row_name = @row AND grain_key = @key",
            ("payload", payload), ("row", row), ("key", "=" + id));
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }
}
