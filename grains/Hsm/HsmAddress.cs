using System.Globalization;
using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// A PKCS#11 URI (RFC 7512): which module to load, which token to use, which object is the root key, and where the PIN is.
/// Unknown attributes are refused, since ignoring one would widen what matches.
/// </summary>
public sealed record HsmAddress
{
    private const string Scheme = "pkcs11:";

    /// <summary>The token's label; null for any.</summary>
    public string? Token { get; private init; }

    /// <summary>The token's manufacturer; null for any.</summary>
    public string? Manufacturer { get; private init; }

    /// <summary>The token's serial number; null for any.</summary>
    public string? Serial { get; private init; }

    /// <summary>The token's model; null for any.</summary>
    public string? Model { get; private init; }

    /// <summary>The slot's number; null for any.</summary>
    public ulong? SlotId { get; private init; }

    /// <summary>The label (CKA_LABEL) of the root key, the URI's <c>object</c>; null for any.</summary>
    public string? RootLabel { get; private init; }

    /// <summary>The id (CKA_ID) of the root key; null for any.</summary>
    public ReadOnlyMemory<byte>? RootId { get; private init; }

    /// <summary>The absolute path of the PKCS#11 module.</summary>
    public required string ModulePath { get; init; }

    /// <summary>The absolute path of the file with the PIN; null when the URI names none.</summary>
    public string? PinFile { get; private init; }

    /// <summary>The PIN itself; null when the URI has none. Never printed.</summary>
    internal string? PinValue { get; private init; }

    /// <summary>Reads a URI.</summary>
    /// <param name="text">The URI.</param>
    /// <exception cref="FormatException">
    /// The URI cannot be used. The message completes a sentence about it and repeats no value of it.
    /// </exception>
    public static HsmAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new FormatException("must be a PKCS#11 URI (RFC 7512): pkcs11:token=…?module-path=…");
        }

        // The parser drops white space from a URI and quotes around it, which is right for prose and wrong for a setting.
        if (text.AsSpan().ContainsAnyExceptInRange('!', '~') || text.AsSpan().ContainsAny('"', '<', '>'))
        {
            throw new FormatException("is not a PKCS#11 URI: a character in it must be percent-encoded.");
        }

        var uri = Read(text);
        RequireSupported(uri);
        return new HsmAddress
        {
            Token = uri.Token,
            Manufacturer = uri.Manufacturer,
            Serial = uri.Serial,
            Model = uri.Model,
            SlotId = uri.SlotId,
            RootLabel = NotEmpty("object", uri.Object),
            RootId = ReadId(uri.Id),
            ModulePath = AbsolutePath("module-path", uri.ModulePath
                ?? throw new FormatException("must name the PKCS#11 module: …?module-path=/usr/lib/….so")),
            PinFile = uri.PinSource is null ? null : ReadPinSource(uri.PinSource),
            PinValue = NotEmpty("pin-value", uri.PinValue),
        };
    }

    /// <summary>The token as messages name it; never the PIN.</summary>
    public override string ToString()
    {
        List<string> parts = [];
        Add("token", Token);
        Add("serial", Serial);
        Add("manufacturer", Manufacturer);
        Add("model", Model);
        Add("slot-id", SlotId?.ToString(CultureInfo.InvariantCulture));
        return Scheme + string.Join(';', parts);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                parts.Add($"{name}={Uri.EscapeDataString(value)}");
            }
        }
    }

    private static Pkcs11Uri Read(string text)
    {
        try
        {
            // The scheme is case-insensitive (RFC 3986, 3.1); the parser knows only lower case.
            return new Pkcs11Uri(Scheme + text[Scheme.Length..], checkLengths: true);
        }
        catch (IndexOutOfRangeException)
        {
            // The parser reports a percent sign with too little behind it like this.
            throw new FormatException("is not a PKCS#11 URI (RFC 7512): a percent-encoding is broken.");
        }
        catch (Pkcs11UriException e)
        {
            // The parser's message names the attribute, and text after a separator in a PIN looks like one.
            throw new FormatException(text.Contains("pin-value", StringComparison.OrdinalIgnoreCase)
                ? "is not a PKCS#11 URI (RFC 7512)."
                : $"is not a PKCS#11 URI (RFC 7512): {e.Message}.");
        }
    }

    private static void RequireSupported(Pkcs11Uri uri)
    {
        if (uri.UnknownPathAttributes is { Count: > 0 } || uri.UnknownQueryAttributes is { Count: > 0 })
        {
            throw new FormatException("has an attribute that RFC 7512 does not define.");
        }

        if (uri.LibraryManufacturer is not null || uri.LibraryDescription is not null || uri.LibraryVersion is not null
            || uri.SlotManufacturer is not null || uri.SlotDescription is not null)
        {
            throw new FormatException("must name the token by token, serial, manufacturer, model or slot-id, and nothing else.");
        }

        if (uri.ModuleName is not null)
        {
            throw new FormatException("must give module-path: module-name does not say where the module is.");
        }

        if (uri.Type is not (null or CKO.CKO_SECRET_KEY))
        {
            throw new FormatException("must give no type, or type=secret-key.");
        }

        if (string.IsNullOrEmpty(uri.Token) && string.IsNullOrEmpty(uri.Serial) && uri.SlotId is null)
        {
            throw new FormatException("must name the token: by token, serial or slot-id.");
        }
    }

    // Not a conditional expression: in one, null would become an empty memory.
    private static ReadOnlyMemory<byte>? ReadId(byte[]? id)
    {
        if (id is null)
        {
            return null;
        }

        return id.Length > 0 ? id : throw new FormatException("must not give an empty id.");
    }

    private static string ReadPinSource(string source)
    {
        if (source.StartsWith('|'))
        {
            throw new FormatException("must not give a command as its pin-source: only a file is read.");
        }

        if (!source.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
        {
            return AbsolutePath("pin-source", source);
        }

        // file:/path, file:///path and file://localhost/path (RFC 8089); files of another host are refused.
        const string Localhost = "//localhost";
        var path = source["file:".Length..];
        if (path.StartsWith(Localhost + "/", StringComparison.OrdinalIgnoreCase))
        {
            path = path[Localhost.Length..];
        }
        else if (path.StartsWith("///", StringComparison.Ordinal))
        {
            path = path[2..];
        }

        return AbsolutePath("pin-source", Uri.UnescapeDataString(path));
    }

    private static string AbsolutePath(string name, string path) =>
        path.StartsWith('/') && !path.StartsWith("//", StringComparison.Ordinal) && !path.Contains('\0', StringComparison.Ordinal)
            ? path
            : throw new FormatException($"must give an absolute path as its {name}.");

    private static string? NotEmpty(string name, string? value) =>
        value != "" ? value : throw new FormatException($"must not give an empty {name}.");
}
