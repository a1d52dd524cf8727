using System.Buffers.Text;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>A record's line in a record file: its JSON object with its number in front, and a newline.</summary>
internal static class RecordLine
{
    /// <summary>How much longer a line is than its members, at most.</summary>
    public const int MaxAdded = 36;

    /// <summary>Writes a line.</summary>
    /// <param name="number">The record's number.</param>
    /// <param name="members">The other members of its JSON object, without braces.</param>
    /// <param name="line">The destination: at least <see cref="MaxAdded"/> bytes longer than the members.</param>
    /// <returns>The line's length.</returns>
    public static int Write(long number, ReadOnlySpan<byte> members, Span<byte> line)
    {
        var length = Put(line, 0, "{\"sequence\":"u8);
        Utf8Formatter.TryFormat(number, line[length..], out var digits);
        length += digits;
        line[length++] = (byte)',';
        length = Put(line, length, members);
        return Put(line, length, "}\n"u8);
    }

    private static int Put(Span<byte> line, int at, ReadOnlySpan<byte> part)
    {
        part.CopyTo(line[at..]);
        return at + part.Length;
    }
}
