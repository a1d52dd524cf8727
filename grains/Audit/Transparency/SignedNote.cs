using System.Buffers.Binary;
using System.Text;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>A signature line of a note: <c>— name base64(key id ‖ signature)</c>.</summary>
/// <param name="Name">The key's name: not empty, without spaces or <c>+</c>.</param>
/// <param name="KeyId">Distinguishes keys of the same name; not collision-resistant.</param>
/// <param name="Signature">The signature, in the format of the key's type.</param>
internal sealed record NoteSignature(string Name, uint KeyId, byte[] Signature)
{
    private const string Dash = "— ";

    /// <summary>Whether this can be a key's name.</summary>
    public static bool IsName(string name) => name.Length > 0 && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c == '+');

    /// <summary>Parses a line without its newline; null if it is not a signature line.</summary>
    public static NoteSignature? Parse(string line)
    {
        var parts = line.StartsWith(Dash, StringComparison.Ordinal) ? line[Dash.Length..].Split(' ') : [];
        if (parts.Length != 2 || !IsName(parts[0]) || StrictBase64(parts[1]) is not { Length: > sizeof(uint) } bytes)
        {
            return null;
        }

        return new(parts[0], BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..]);
    }

    /// <summary>The line without its newline.</summary>
    public override string ToString()
    {
        var bytes = new byte[sizeof(uint) + Signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyId);
        Signature.CopyTo(bytes, sizeof(uint));
        return $"{Dash}{Name} {Convert.ToBase64String(bytes)}";
    }

    private static byte[]? StrictBase64(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && Convert.ToBase64String(bytes, 0, length) == text
            ? bytes[..length]
            : null;
    }
}

/// <summary>A text with its signatures: c2sp.org/signed-note.</summary>
/// <param name="Text">The text, including its final newline.</param>
/// <param name="Signatures">The signatures, 1 to 16.</param>
internal sealed record SignedNote(string Text, IReadOnlyList<NoteSignature> Signatures)
{
    /// <summary>The maximum number of signatures; a verifier must accept as many.</summary>
    public const int MaxSignatures = 16;

    private const int MaxLength = 128 * 1024;

    /// <summary>Parses a note; null if the bytes are not one.</summary>
    public static SignedNote? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxLength || DecodeStrictly(bytes) is not { } note)
        {
            return null;
        }

        var end = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || note[^1] != '\n' || note.Any(c => c < ' ' && c != '\n'))
        {
            return null;
        }

        var lines = note[(end + 2)..].Split('\n')[..^1];
        var signatures = lines.Select(NoteSignature.Parse).OfType<NoteSignature>().ToList();
        return lines.Length is 0 or > MaxSignatures || signatures.Count < lines.Length ? null : new(note[..(end + 1)], signatures);
    }

    /// <summary>The note's bytes.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(ToString());

    /// <inheritdoc/>
    public override string ToString() => $"{Text}\n{string.Concat(Signatures.Select(signature => signature + "\n"))}";

    private static string? DecodeStrictly(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
