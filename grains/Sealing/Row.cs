using System.Text.Json.Serialization;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// What a grain stores under one name. A subclass adds the content; the properties here stay outside the sealed content, in the
/// row's header and its material section.
/// </summary>
public abstract record Row
{
    /// <summary>The life of the id that the row belongs to; chosen at creation, and the same in all rows of one life.</summary>
    [JsonIgnore]
    public Incarnation Incarnation { get; init; }

    /// <summary>
    /// Rises with each write, and is sealed with the content, so that an older copy put back behind a live activation is noticed.
    /// </summary>
    public long Revision { get; init; }

    /// <summary>Key material that travels with the row, wrapped; or null.</summary>
    [JsonIgnore]
    public WrappedMaterial? Material { get; init; }

    /// <summary>Whether a plain listing leaves the row out. In the clear in the row's header, but authenticated.</summary>
    [JsonIgnore]
    public virtual bool IsTombstone => false;

    /// <summary>
    /// Whether the content may be compressed before it is sealed. Only for rows that hold nothing chosen by a caller, since a
    /// compressed length reveals something of the content.
    /// </summary>
    [JsonIgnore]
    public virtual bool MayCompress => false;
}
