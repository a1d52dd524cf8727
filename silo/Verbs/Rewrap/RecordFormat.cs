namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>How the records of a file are written: where one ends, and where in it its ciphertext is.</summary>
internal abstract class RecordFormat
{
    /// <summary>The longest record, in bytes.</summary>
    public const int MaxRecord = 8 * 1024 * 1024;

    /// <summary>Whether the first record names the fields of the others.</summary>
    public virtual bool HasHeader => false;

    /// <summary>Where a record ends.</summary>
    /// <param name="bytes">The record and what follows it, as far as it has been read.</param>
    /// <returns>The index after its line end; -1 where that has not been read.</returns>
    public abstract int EndOf(ReadOnlySpan<byte> bytes);

    /// <summary>Reads the header, which is the first record.</summary>
    /// <exception cref="VerbException">It lacks a field that was named.</exception>
    public virtual void ReadHeader(ReadOnlySpan<byte> record) => throw new InvalidOperationException("internal error: this format has no header.");

    /// <summary>Finds the fields of a record.</summary>
    /// <param name="record">The record with its line end.</param>
    /// <exception cref="FormatException">It is malformed. The message says what is wrong, without what is in it.</exception>
    public abstract RecordFields Read(ReadOnlySpan<byte> record);

    /// <summary>The text of a field that holds base64.</summary>
    /// <param name="base64">The text.</param>
    /// <param name="field">The field.</param>
    /// <exception cref="FormatException">It is not.</exception>
    protected static byte[] Decode(string base64, string field)
    {
        var bytes = new byte[(base64.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? bytes[..length] : throw new FormatException($"The field {field} is not base64.");
    }
}

/// <summary>What the names of the fields are, and what is in them.</summary>
/// <param name="Ciphertext">The field with the ciphertext, in base64.</param>
/// <param name="AssociatedData">The field with the associated data; null where there is none.</param>
/// <param name="Key">The field that names the key; null where the ciphertext does.</param>
/// <param name="AssociatedDataIsText">Whether the associated data is the text itself, and not base64.</param>
internal sealed record FieldNames(string Ciphertext, string? AssociatedData, string? Key, bool AssociatedDataIsText);

/// <summary>What a record holds.</summary>
/// <param name="Place">Where the ciphertext's text is, with quotation marks that belong to it; what replaces it has them too.</param>
/// <param name="IsQuoted">Whether it has them.</param>
/// <param name="Ciphertext">The ciphertext; null for a record without one.</param>
/// <param name="AssociatedData">Its associated data.</param>
/// <param name="Key">The key that the record names.</param>
internal readonly record struct RecordFields(Range Place, bool IsQuoted, byte[]? Ciphertext, byte[]? AssociatedData, string? Key);
