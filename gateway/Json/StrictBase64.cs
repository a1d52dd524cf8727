using System.Buffers;
using System.Buffers.Text;

namespace OrleansKms.Gateway.Json;

/// <summary>
/// Base64 of RFC 4648, section 4, with one text for each value: no white space, the padding present, and the bits that the
/// padding leaves over zero. (The platform's decoder skips white space and ignores those bits.)
/// </summary>
internal static class StrictBase64
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// <summary>Decodes; false if the text is not strict base64.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> text, out byte[] bytes)
    {
        bytes = [];
        if (text.IsEmpty)
        {
            return true;
        }

        if (text.Length % 4 != 0)
        {
            return false;
        }

        var padding = text[^1] != '=' ? 0 : text[^2] != '=' ? 1 : 2;
        if (!IsCanonical(text, padding))
        {
            return false;
        }

        var decoded = GC.AllocateUninitializedArray<byte>(text.Length / 4 * 3 - padding);
        var status = Base64.DecodeFromUtf8(text, decoded, out var consumed, out var written);
        // White space that the decoder skipped would leave the array partly empty.
        if (status != OperationStatus.Done || consumed != text.Length || written != decoded.Length)
        {
            return false;
        }

        bytes = decoded;
        return true;
    }

    /// <summary>The maximum length of the base64 text of a number of bytes.</summary>
    public static int EncodedLength(int bytes) => (bytes + 2) / 3 * 4;

    private static bool IsCanonical(ReadOnlySpan<byte> text, int padding) => padding switch
    {
        0 => true,
        1 => (Alphabet.IndexOf((char)text[^2], StringComparison.Ordinal) & 0b11) == 0,
        _ => (Alphabet.IndexOf((char)text[^3], StringComparison.Ordinal) & 0b1111) == 0,
    };
}
