using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Cluster.Storage;

public sealed record NoteRow : Row
{
    public required string Text { get; init; }

    [JsonIgnore]
    public override bool IsTombstone => Erased;

    public bool Erased { get; init; }
}

[JsonSerializable(typeof(NoteRow))]
public sealed partial class TestRowsContext : JsonSerializerContext;
