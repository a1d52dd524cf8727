using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>What an attacker with the database in hand can and cannot do, on every database.</summary>
public abstract class SealingConformance(StorageFixture fixture)
{
    protected StorageSilo Silo => fixture.Silo;

    private static string NewId() => Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Read_OneBitFlippedInAnyByte_IsKeyCorruptedAndHarmsNoOther()
    {
        var (id, other) = (NewId(), NewId());
        await Silo.Write(other, Note("other"));
        await Silo.Write(id, WithMaterial(id, Note("flip me"), out _));
        var payload = await Silo.Payload(id);

        for (var i = 0; i < payload.Length; i++)
        {
            var changed = payload.ToArray();
            changed[i] ^= (byte)(1 << (i % 8));
            await Silo.SetPayloadUnchecked(id, changed);
            await AssertCorrupted(id);
        }

        Assert.Equal("other", (await Silo.Read(other)).State!.Text);
        await Silo.SetPayload(id, payload);
        Assert.Equal("flip me", (await Silo.Read(id)).State!.Text);
    }

    [Fact]
    public async Task Read_CutShortOrExtended_IsKeyCorrupted()
    {
        var id = NewId();
        await Silo.Write(id, WithMaterial(id, Note("cut me"), out _));
        var payload = await Silo.Payload(id);

        for (var length = RowLayout.HeaderLength; length < payload.Length; length++)
        {
            await Silo.SetPayload(id, payload[..length]);
            await AssertCorrupted(id);
        }

        await Silo.SetPayload(id, [.. payload, 0]);
        await AssertCorrupted(id);
    }

    [Fact]
    public async Task Read_RowCopiedOverAnotherKeys_IsKeyCorruptedForThatOneOnly()
    {
        var (victim, source) = (NewId(), NewId());
        await Silo.Write(victim, Note("victim"));
        await Silo.Write(source, Note("source"));

        await Silo.SetPayload(victim, await Silo.Payload(source));

        await AssertCorrupted(victim);
        Assert.Equal("source", (await Silo.Read(source)).State!.Text);
    }

    [Fact]
    public async Task Read_RowRestoredUnderAnotherName_IsKeyCorrupted()
    {
        var id = NewId();
        await Silo.Write(id, Note("v2"), name: RowNames.KeyVersion(2));

        await Silo.Execute("UPDATE okms_row SET row_name = @to WHERE row_name = @from AND grain_key = @k",
            ("to", RowNames.KeyVersion(3)), ("from", RowNames.KeyVersion(2)), ("k", "=" + id));

        await AssertCorrupted(id, RowNames.KeyVersion(3));
        Assert.False((await Silo.Read(id, RowNames.KeyVersion(2))).RecordExists);
    }

    [Fact]
    public async Task Read_RowMovedToAnotherKey_IsKeyCorrupted()
    {
        var (id, elsewhere) = (NewId(), NewId());
        await Silo.Write(id, Note("moved"));

        await Silo.Execute("UPDATE okms_row SET grain_key = @to WHERE grain_key = @from", ("to", "=" + elsewhere), ("from", "=" + id));

        await AssertCorrupted(elsewhere);
    }

    [Fact]
    public async Task Read_MaterialOfAnotherVersionOfTheSameKey_IsKeyCorrupted()
    {
        var id = NewId();
        var note = Note("spliced");
        await Silo.Write(id, WithMaterial(id, note, out _, version: 1));
        var first = RowLayout.TryRead(await Silo.Payload(id))!;
        var state = await Silo.Read(id);
        await Silo.Write(id, WithMaterial(id, note, out _, version: 2), state.ETag);
        var payload = await Silo.Payload(id);
        var second = RowLayout.TryRead(payload)!;

        await Silo.SetPayload(id, [.. payload[..^second.MaterialSection.Length], .. first.MaterialSection.Span]);

        await AssertCorrupted(id);
    }

    [Fact]
    public async Task Clear_CorruptedRow_DeletesIt()
    {
        var id = NewId();
        await Silo.Write(id, Note("x"));
        await Silo.SetPayload(id, (await Silo.Payload(id))[..RowLayout.HeaderLength]);

        await Silo.Rows.ClearStateAsync(RowNames.Key, Grain(id), new GrainState<NoteRow>());

        Assert.False((await Silo.Read(id)).RecordExists);
    }

    [Fact]
    public async Task Materials_TravelWithTheRowAndOpenOnlyAtTheirAddress()
    {
        var id = NewId();
        var note = WithMaterial(id, Note("m"), out var material, version: 7);
        await Silo.Write(id, note);

        var read = (await Silo.Read(id)).State!;
        var address = new MaterialAddress(Grain(id), note.Incarnation, 7);
        using var opened = Silo.Materials.Open(address, read.Material!);

        Assert.Equal(material, opened.Span.ToArray());
        foreach (var wrong in new[]
        {
            address with { Grain = Grain(NewId()) }, address with { Incarnation = Incarnation.New() }, address with { Version = 8 },
        })
        {
            AssertCorrupted(() => Silo.Materials.Open(wrong, read.Material!));
            AssertCorrupted(() => Silo.Materials.Open(wrong, read.Material! with { Version = wrong.Version }));
        }
    }

    [Fact]
    public async Task Materials_MovedToTheirVersionsRow_OpenThere()
    {
        var id = NewId();
        var note = WithMaterial(id, Note("m"), out var material, version: 3);
        await Silo.Write(id, note);
        var fromKey = (await Silo.Read(id)).State!.Material;

        await Silo.Write(id, Note("old") with { Incarnation = note.Incarnation, Material = fromKey }, name: RowNames.KeyVersion(3));

        var fromVersion = (await Silo.Read(id, RowNames.KeyVersion(3))).State!.Material!;
        using var opened = Silo.Materials.Open(new MaterialAddress(Grain(id), note.Incarnation, 3), fromVersion);
        Assert.Equal(material, opened.Span.ToArray());
    }

    [Fact]
    public async Task Database_HoldsNeitherMaterialNorContents()
    {
        var id = NewId();
        var text = "known text " + NewId();
        await Silo.Write(id, WithMaterial(id, Note(text), out var material));

        var dump = await Silo.Dump();

        Assert.True(Contains(dump, Encoding.UTF8.GetBytes(id)), "the search finds what is there");
        Assert.False(Contains(dump, Encoding.UTF8.GetBytes(text)));
        Assert.False(Contains(dump, Encoding.UTF8.GetBytes(text[^16..])));
        Assert.False(Contains(dump, material));
        Assert.False(Contains(dump, material[..8]));
    }

    [Fact]
    public async Task KekChange_NextWriteResealsTheMaterial_AndTheOldKekCanGo()
    {
        var id = NewId();
        var oldKek = Silo.Ring.Current.Id;
        var note = WithMaterial(id, Note("m"), out var material);
        await Silo.Write(id, note);

        var newKek = await Silo.Ring.AddCurrent(default);
        var before = await Silo.Read(id);
        await Silo.Write(id, before.State! with { Revision = 2 }, before.ETag);
        var after = await Silo.Read(id);

        Assert.Equal(oldKek, before.State!.Material!.KekId);
        Assert.Equal(newKek, after.State!.Material!.KekId);
        Assert.Equal(newKek, RowLayout.TryRead(await Silo.Payload(id))!.Header.KekId);
        using var opened = Silo.Materials.Open(new MaterialAddress(Grain(id), note.Incarnation, 1), after.State.Material);
        Assert.Equal(material, opened.Span.ToArray());
    }

    [Fact]
    public async Task DeleteKek_InUse_IsRefusedByTheDatabase_Unused_IsNot()
    {
        var unused = await Silo.Ring.AddCurrent(default);
        var used = await Silo.Ring.AddCurrent(default);
        await Silo.Write(NewId(), Note("in use"));

        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => DeleteKek(used));
        await Silo.Services.GetRequiredService<KekRotation>().Destroy(unused, default);
    }

    [Fact]
    public async Task WriteRow_KekThatDoesNotExist_IsRefusedByTheDatabase()
    {
        var id = NewId();
        await Silo.Write(id, Note("x"));
        var payload = await Silo.Payload(id);
        payload[2] ^= 1;

        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => Silo.SetPayload(id, payload));
    }

    [Fact]
    public async Task KekTable_HoldsNoKekInTheClear()
    {
        Assert.NotEqual(0, await Silo.Count("okms_kek"));
        var wrapped = (byte[])(await Silo.Scalar("SELECT wrapped FROM okms_kek_wrap"))!;
        Assert.Equal(1 + RowLayout.SealOverhead + 32 + KekBirth.Length, wrapped.Length);
    }

    private static bool Contains(byte[] dump, byte[] bytes) => dump.AsSpan().IndexOf(bytes) >= 0;

    private Task<int> DeleteKek(KekId id)
    {
        var bytes = new byte[KekId.Length];
        id.Write(bytes);
        return Silo.Execute("DELETE FROM okms_kek WHERE kek_id = @id", ("id", bytes));
    }

    private NoteRow WithMaterial(string id, NoteRow note, out byte[] material, int version = 1)
    {
        material = RandomNumberGenerator.GetBytes(32);
        return note with { Material = Silo.Materials.Wrap(new MaterialAddress(Grain(id), note.Incarnation, version), material) };
    }

    private async Task AssertCorrupted(string id, string name = RowNames.Key)
    {
        var failure = await Assert.ThrowsAsync<KmsException>(() => Silo.Read(id, name));
        Assert.Equal(KmsError.KeyCorrupted.Code, failure.Code);
    }

    private static void AssertCorrupted(Func<object> open) =>
        Assert.Equal(KmsError.KeyCorrupted.Code, Assert.Throws<KmsException>(open).Code);
}

[Trait("database", "sqlite")]
public sealed class SqliteSealing(SqliteFixture fixture) : SealingConformance(fixture), IClassFixture<SqliteFixture>;

[Trait("database", "postgres")]
public sealed class PostgresSealing(PostgresFixture fixture) : SealingConformance(fixture), IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Read_KekThatAnotherSiloMade_IsOpenedThen()
    {
        await using var other = await Start(Fixture.Options);
        var id = Guid.NewGuid().ToString("N");
        var kek = await other.Ring.AddCurrent(default);
        await other.Write(id, Note("from the other"));
        Assert.Null(Silo.Ring.Find(kek));

        Assert.Equal("from the other", (await Silo.Read(id)).State!.Text);

        Assert.NotNull(Silo.Ring.Find(kek));
        Assert.Equal(kek, Silo.Ring.Current.Id);
    }

    private PostgresFixture Fixture { get; } = fixture;
}
