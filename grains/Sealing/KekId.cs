namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Names a key-encryption key: the first 128 bits of an HMAC-SHA-256 of the KEK, so that an opened KEK proves its id.
/// </summary>
/// <param name="Value">The id; all zero means none.</param>
public readonly record struct KekId(UInt128 Value)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 16;

    /// <summary>Reads 16 bytes, big endian.</summary>
    public static KekId Read(ReadOnlySpan<byte> bytes) =>
        new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes 16 bytes, big endian.</summary>
    public void Write(Span<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <summary>The 16 bytes, big endian.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }

    /// <summary>Reads 32 hexadecimal digits.</summary>
    public static bool TryParse(string text, out KekId id)
    {
        var isId = text.Length == 2 * Length && text.All(char.IsAsciiHexDigitLower);
        id = isId ? Read(Convert.FromHexString(text)) : default;
        return isId;
    }

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
