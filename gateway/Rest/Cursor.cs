using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// The position in a list where the next page begins: the last name of this page, with a check value over the list's other
/// parameters, so that a cursor that was changed, or is used with another list, is refused. It is not secret and grants nothing.
/// </summary>
internal static class Cursor
{
    private const int CheckLength = 8;
    private const int MaxLength = 256;

    /// <summary>Makes the cursor after a name.</summary>
    /// <param name="list">The list, with its parameters.</param>
    /// <param name="last">The last name of the page.</param>
    public static string After(string list, string last)
    {
        var name = Encoding.ASCII.GetBytes(last);
        var bytes = new byte[CheckLength + name.Length];
        Check(list, name).CopyTo(bytes, 0);
        name.CopyTo(bytes, CheckLength);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The name that a cursor stands for; null stays null.</summary>
    /// <exception cref="KmsException">invalid_parameter: it is not a cursor of this list.</exception>
    public static string? Read(string list, string? cursor) => Read(list, cursor, static name => KeyId.IsValid(name));

    /// <inheritdoc cref="Read(string, string?)"/>
    /// <param name="list">What is listed, with its parameters.</param>
    /// <param name="cursor">The cursor.</param>
    /// <param name="isName">Whether a text is a name of this list.</param>
    public static string? Read(string list, string? cursor, Func<string, bool> isName)
    {
        if (cursor is null)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[CheckLength + MaxLength];
        if (cursor.Length <= Base64Url.GetEncodedLength(bytes.Length)
            && Base64Url.IsValid(cursor)
            && Base64Url.TryDecodeFromChars(cursor, bytes, out var length)
            && length > CheckLength)
        {
            var name = bytes[CheckLength..length];
            var text = Encoding.ASCII.GetString(name);
            if (isName(text) && After(list, text) == cursor)
            {
                return text;
            }
        }

        throw KmsError.InvalidParameter.Exception("'cursor' is not from this list.");
    }

    private static byte[] Check(string list, byte[] name) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(list), 0, .. name])[..CheckLength];
}
