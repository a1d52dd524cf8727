using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs;

/// <summary>
/// Values on a command line, the same for every verb: <c>-</c> is standard input, <c>@FILE</c> a file's content, <c>base64:…</c> and
/// <c>hex:…</c> bytes, and anything else the text itself.
/// </summary>
internal static class VerbInput
{
    /// <summary>How to give a value, for the description of an option or argument.</summary>
    public const string Forms = "text, @FILE, base64:…, hex:…, or - for standard input";

    /// <summary>How to give bytes that the service has made.</summary>
    public const string BinaryForms = "base64, @FILE with base64 or the bytes themselves, or - for standard input";

    /// <summary>The longest input of verbs that send it whole.</summary>
    public const int MaxBytes = KmsLimits.PlaintextBytes;

    // As base64 in lines, or in an answer of the service.
    private const int MaxText = 2 * (MaxBytes + CiphertextHeader.MaxOverhead);

    /// <summary>The bytes of a value.</summary>
    /// <param name="context">The process.</param>
    /// <param name="value">The value; null is <c>-</c>.</param>
    /// <param name="max">How many bytes may come.</param>
    /// <exception cref="VerbException">There are more, or it cannot be read.</exception>
    public static async Task<byte[]> Bytes(VerbContext context, string? value, int max = MaxBytes) => value switch
    {
        null or "-" => await ReadInput(context, max),
        ['@', .. var path] => await ReadFile(context, path, max),
        _ when value.StartsWith("base64:", StringComparison.Ordinal) => Decode(value["base64:".Length..]) ?? throw VerbException.Usage("A value after base64: is not base64."),
        _ when value.StartsWith("hex:", StringComparison.Ordinal) => DecodeHex(value["hex:".Length..]),
        _ => Encoding.UTF8.GetBytes(value),
    };

    /// <summary>The bytes of an option's value; null where it is not given.</summary>
    public static async Task<byte[]?> Optional(VerbContext context, string? value, int max = MaxBytes) => value is null ? null : await Bytes(context, value, max);

    /// <summary>The text of an option's value; null where it is not given.</summary>
    public static async Task<string?> Text(VerbContext context, string? value, int max = MaxBytes)
    {
        if (value is null) return null;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(await Bytes(context, value, max));
        }
        catch (DecoderFallbackException e)
        {
            throw VerbException.Usage("The input is not text in UTF-8.", inner: e);
        }
    }

    /// <summary>Bytes that the service has made, in any form in which a verb prints them: raw, as base64, or as a field of its JSON.</summary>
    /// <param name="context">The process.</param>
    /// <param name="value">The value: base64, <c>@FILE</c> or <c>-</c>; null is <c>-</c>.</param>
    /// <param name="field">The field of the JSON.</param>
    /// <param name="isRaw">Whether bytes are the raw form, where that can be told; null where it is everything that is not text.</param>
    /// <param name="max">How long the input may be.</param>
    /// <returns>The bytes, and the JSON they were in.</returns>
    /// <exception cref="VerbException">They are in none of these forms.</exception>
    public static async Task<(byte[] Bytes, JsonElement Json)> Made(VerbContext context, string? value, string field, Func<byte[], bool>? isRaw = null, int max = MaxText)
    {
        var isText = value is not (null or "-" or ['@', ..]);
        var given = isText ? Encoding.UTF8.GetBytes(value!) : await Bytes(context, value, max);
        if (!isText && isRaw?.Invoke(given) == true) return (given, default);
        if (FromJson(given, field) is { } found) return found;
        if (FromBase64(given) is { } decoded && isRaw?.Invoke(decoded) != false) return (decoded, default);
        return isRaw is null && !isText
            ? (given, default)
            : throw new VerbException($"invalid_{field}", $"The input is no {field} of this service: neither its bytes, nor base64 of them, nor JSON with '{field}'.", ExitCode.Refused);
    }

    /// <summary>The digest of a value, which may have any size.</summary>
    /// <param name="context">The process.</param>
    /// <param name="value">The value; null is <c>-</c>.</param>
    /// <param name="name">The hash: sha256, sha384 or sha512.</param>
    /// <exception cref="VerbException">It cannot be read, or there is no such hash.</exception>
    public static async Task<byte[]> Hash(VerbContext context, string? value, string name)
    {
        var algorithm = name.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant() switch
        {
            "SHA256" => HashAlgorithmName.SHA256,
            "SHA384" => HashAlgorithmName.SHA384,
            "SHA512" => HashAlgorithmName.SHA512,
            _ => throw VerbException.Usage("--hash is sha256, sha384 or sha512."),
        };
        if (value is null or "-") return await CryptographicOperations.HashDataAsync(algorithm, OpenInput(context));
        if (value is not ['@', .. var path]) return CryptographicOperations.HashData(algorithm, await Bytes(context, value));
        return await WithFile(context, path, async file => await CryptographicOperations.HashDataAsync(algorithm, file));
    }

    /// <summary>Whether bytes are a ciphertext as the service makes them.</summary>
    public static bool IsCiphertext(byte[] bytes) => CiphertextHeader.TryRead(bytes, out _);

    /// <summary>Decodes base64, standard or for URLs, with or without padding, in lines or not.</summary>
    public static byte[]? Decode(string text)
    {
        var dense = string.Concat(text.Where(c => !char.IsWhiteSpace(c))).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        return dense.Length > 0 && Base64Url.IsValid(dense) ? Base64Url.DecodeFromChars(dense) : null;
    }

    private static byte[] DecodeHex(string text)
    {
        try
        {
            return Convert.FromHexString(text);
        }
        catch (FormatException e)
        {
            throw VerbException.Usage("A value after hex: is not hexadecimal.", inner: e);
        }
    }

    private static byte[]? FromBase64(byte[] bytes) => Ascii.IsValid(bytes) ? Decode(Encoding.ASCII.GetString(bytes)) : null;

    private static (byte[] Bytes, JsonElement Json)? FromJson(byte[] bytes, string field)
    {
        if (!bytes.AsSpan().TrimStart(" \t\r\n"u8).StartsWith("{"u8)) return null;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var json = document.RootElement.Clone();
            return json.Field(field) is { ValueKind: JsonValueKind.String } text && text.TryGetBytesFromBase64(out var found) ? (found, json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Task<byte[]> ReadInput(VerbContext context, int max)
    {
        var input = OpenInput(context);
        if (context.InputIsTerminal && context.ErrorIsTerminal) context.Error.WriteLine("Reading from the terminal; Ctrl-D on a new line ends the input.");
        return ReadAll(input, max, "The input");
    }

    /// <summary>Standard input, for the one value that takes it.</summary>
    /// <exception cref="VerbException">Another value has taken it.</exception>
    public static Stream OpenInput(VerbContext context)
    {
        // The second value would be empty, and an encryption with empty associated data would succeed.
        if (context.InputIsTaken) throw VerbException.Usage("Standard input can be only one of the values.", "Give the other as @FILE.");
        context.InputIsTaken = true;
        return context.Input;
    }

    private static Task<byte[]> ReadFile(VerbContext context, string path, int max) => WithFile(context, path, file => ReadAll(file, max, $"The file {path}"));

    private static async Task<byte[]> WithFile(VerbContext context, string path, Func<Stream, Task<byte[]>> read)
    {
        try
        {
            await using var file = new FileStream(context.PathOf(path), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return await read(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw VerbException.Usage($"The file {path} cannot be read: {ServiceConnection.Reason(e)}.", inner: e);
        }
    }

    private static async Task<byte[]> ReadAll(Stream stream, int max, string what)
    {
        var content = new MemoryStream();
        var part = new byte[64 * 1024];
        while (await stream.ReadAsync(part) is var read and > 0)
        {
            content.Write(part, 0, read);
            if (content.Length > max)
            {
                throw new VerbException("payload_too_large", FormattableString.Invariant($"{what} has more than {max} bytes."), ExitCode.Refused, "okms encrypt-file takes files of any size.");
            }
        }

        return content.ToArray();
    }
}
