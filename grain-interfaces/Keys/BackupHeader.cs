using System.Text;

namespace OrleansKms;

/// <summary>
/// The readable beginning of a key's backup: <c>"okmb" | format(1) | KEK id(16) | incarnation(16) | id length(1) | key id</c>. It tells
/// whose backup it is. It proves nothing: only the key's grain authenticates it.
/// </summary>
/// <param name="KeyId">A valid key id.</param>
/// <param name="Length">The header's length in bytes, 39 to 166.</param>
internal readonly record struct BackupHeader(string KeyId, int Length)
{
    /// <summary>The only format.</summary>
    public const byte Format = 1;

    /// <summary>Where the id of the KEK begins.</summary>
    public const int KekIdAt = 5;

    /// <summary>Where the incarnation begins.</summary>
    public const int IncarnationAt = KekIdAt + 16;

    /// <summary>Bytes before the key id.</summary>
    public const int FixedLength = IncarnationAt + 16 + 1;

    /// <summary>How every backup begins.</summary>
    public static ReadOnlySpan<byte> Mark => "okmb"u8;

    /// <summary>Reads the header of a backup.</summary>
    /// <param name="backup">Any bytes.</param>
    /// <param name="header">The header, if there is one.</param>
    /// <returns>Whether the bytes begin with a well-formed header of a known format.</returns>
    public static bool TryRead(ReadOnlySpan<byte> backup, out BackupHeader header)
    {
        header = default;
        if (backup.Length <= FixedLength || !backup.StartsWith(Mark) || backup[Mark.Length] != Format)
        {
            return false;
        }

        var idLength = backup[FixedLength - 1];
        if (backup.Length < FixedLength + idLength)
        {
            return false;
        }

        Span<char> id = stackalloc char[byte.MaxValue];
        id = id[..Encoding.Latin1.GetChars(backup.Slice(FixedLength, idLength), id)];
        if (!OrleansKms.KeyId.IsValid(id))
        {
            return false;
        }

        header = new(id.ToString(), FixedLength + idLength);
        return true;
    }
}
