using System.Text.Json.Serialization;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// What a grain stores under one name. The content is what its subclass adds; the properties here are kept beside it, in the
/// row's header and its material section, and not in the sealed content.
/// </summary>
public abstract record Row
{
    /// <summary>The life of the id that the row belongs to; chosen at create, the same in all rows of one life.</summary>
    [JsonIgnore]
    public Incarnation Incarnation { get; init; }

    /// <summary>
    /// Rises with each write of the row and is sealed with its content, so that an older copy put back behind a live
    /// activation is noticed.
    /// </summary>
    public long Revision { get; init; }

    /// <summary>Key material that travels with the row, wrapped; or null.</summary>
    [JsonIgnore]
    public WrappedMaterial? Material { get; init; }

    /// <summary>Whether a plain listing leaves the row out. In the clear in the row's header, and authenticated.</summary>
    [JsonIgnore]
    public virtual bool IsTombstone => false;

    /// <summary>
    /// Whether the content may be compressed before it is sealed. Only for rows that hold nothing that a caller chose, since
    /// the length of a compressed text tells of what is in it.
    /// </summary>
    [JsonIgnore]
    public virtual bool MayCompress => false;
}
