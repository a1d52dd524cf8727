using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Encodes what sealed bytes are bound to: each field is preceded by its length, so that no two lists of fields have the same
/// encoding.
/// </summary>
internal sealed class AssociatedData
{
    private readonly ArrayBufferWriter<byte> _encoded = new(256);

    /// <summary>The fields so far.</summary>
    public ReadOnlySpan<byte> Span => _encoded.WrittenSpan;

    /// <summary>Adds a field of bytes.</summary>
    public AssociatedData Add(ReadOnlySpan<byte> field)
    {
        BinaryPrimitives.WriteInt32BigEndian(_encoded.GetSpan(sizeof(int)), field.Length);
        _encoded.Advance(sizeof(int));
        _encoded.Write(field);
        return this;
    }

    /// <summary>Adds a text, in UTF-8.</summary>
    public AssociatedData Add(string field) => Add(Encoding.UTF8.GetBytes(field));

    /// <summary>Adds a byte.</summary>
    public AssociatedData Add(byte field) => Add([field]);

    /// <summary>Adds a KEK id.</summary>
    public AssociatedData Add(KekId field)
    {
        Span<byte> bytes = stackalloc byte[KekId.Length];
        field.Write(bytes);
        return Add(bytes);
    }

    /// <summary>Adds an incarnation.</summary>
    public AssociatedData Add(Incarnation field)
    {
        Span<byte> bytes = stackalloc byte[Incarnation.Length];
        field.Write(bytes);
        return Add(bytes);
    }
}
