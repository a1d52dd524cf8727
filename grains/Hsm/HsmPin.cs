using OrleansKms.Files;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>The user PIN of the token. A PIN file is read at each sign-in and never kept. Never printed.</summary>
public sealed class HsmPin
{
    private const int MaxFileLength = 1024;

    private readonly string? _file;
    private readonly string? _value;

    private HsmPin(string? file, string? value) => (_file, _value) = (file, value);

    /// <summary>The one PIN that was given, from any of its sources.</summary>
    internal static HsmPin Of(string? file, string? fromUri, string? fromSetting, string setting) =>
        ((file is null ? 0 : 1) + (fromUri is null ? 0 : 1) + (fromSetting is null ? 0 : 1)) switch
        {
            0 => throw new FormatException($"has no PIN: give pin-source=file:/path in it, or set {setting}."),
            1 => new HsmPin(file, fromUri ?? fromSetting),
            _ => throw new FormatException($"has more than one PIN: give one of pin-source, pin-value and {setting}."),
        };

    /// <summary>The PIN in UTF-8, which the caller zeroes.</summary>
    /// <exception cref="IOException">The file cannot be read or holds no PIN.</exception>
    internal byte[] Read()
    {
        if (_value is not null)
        {
            var bytes = GC.AllocateArray<byte>(System.Text.Encoding.UTF8.GetByteCount(_value), pinned: true);
            System.Text.Encoding.UTF8.GetBytes(_value, bytes);
            return bytes;
        }

        try
        {
            return ReadFile();
        }
        catch (OpenToOthersException e)
        {
            throw new IOException($"The PIN file {_file} is readable by others than its owner and group. Run: {e.Remedy}");
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"The PIN file {_file} cannot be read: access is denied.");
        }
    }

    /// <summary>Never the PIN.</summary>
    public override string ToString() => "[secret]";

    private byte[] ReadFile()
    {
        using var content = new SecretBytes(MaxFileLength);
        using var file = PrivateFile.Open(_file!, SecretReaders.Group);
        var length = RandomAccess.Read(file, content.Span, 0);
        var pin = content.Span[..length].TrimEnd("\r\n"u8);
        if (pin.IsEmpty || length == MaxFileLength || pin.ContainsAny((byte)'\r', (byte)'\n', (byte)0))
        {
            throw new IOException($"The PIN file {_file} must hold one PIN on one line.");
        }

        var bytes = GC.AllocateArray<byte>(pin.Length, pinned: true);
        pin.CopyTo(bytes);
        return bytes;
    }
}
