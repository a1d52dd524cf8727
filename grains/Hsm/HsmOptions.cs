using OrleansKms.Configuration;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>Which HSM, and how it is used.</summary>
public sealed record HsmOptions
{
    /// <summary>The label of a new root key when the URI gives no <c>object</c>.</summary>
    public const string DefaultRootLabel = "okms-root";

    /// <summary>The setting that names the HSM, for messages.</summary>
    public string Setting { get; init; } = SettingTable.HsmAddress.Name;

    /// <summary>The module, the token and the root key.</summary>
    public required HsmAddress Address { get; init; }

    /// <summary>Where the user's PIN comes from.</summary>
    public required HsmPin Pin { get; init; }

    /// <summary>Whether a start with an empty database may make the root key in the HSM.</summary>
    public bool MayCreateRoot { get; init; }

    /// <summary>How many calls the HSM gets at once, each with a session and a thread of its own.</summary>
    public int Sessions { get; init; } = (int)SettingTable.HsmSessions.Default;

    /// <summary>How long a caller waits for the HSM.</summary>
    public TimeSpan Timeout { get; init; } = SettingTable.HsmTimeout.Default;

    /// <summary>How often the HSM is probed in the background.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The largest message that keys in the HSM must take, in bytes.</summary>
    public int LargestMessage { get; init; } = (int)SettingTable.MaxPlaintextBytes.Default;

    /// <summary>Reads what an operator gives: the URI, and a PIN from elsewhere.</summary>
    /// <param name="address">The URI.</param>
    /// <param name="pin">The PIN, when it is neither in the URI nor in a file; otherwise null.</param>
    /// <param name="pinSetting">The setting that gives the PIN, for messages.</param>
    /// <exception cref="FormatException">Something is missing or given twice; the message is the rest of a sentence.</exception>
    public static HsmOptions Read(string address, string? pin, string? pinSetting = null)
    {
        var uri = HsmAddress.Parse(address);
        return new HsmOptions { Address = uri, Pin = HsmPin.Of(uri.PinFile, uri.PinValue, pin, pinSetting ?? SettingTable.HsmPin.Name) };
    }
}

/// <summary>The PIN of the token's user. From a file it is read for each sign-in and kept nowhere. Never printed.</summary>
public sealed class HsmPin
{
    private const int LongestFile = 1024;
    private const UnixFileMode TooOpen = UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly string? _file;
    private readonly string? _value;

    private HsmPin(string? file, string? value) => (_file, _value) = (file, value);

    /// <summary>The file it is read from; null when it was given as a value.</summary>
    public string? File => _file;

    /// <summary>The one PIN that was given, from wherever.</summary>
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
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"The PIN file {_file} may not be read.");
        }
    }

    /// <summary>Never the PIN.</summary>
    public override string ToString() => "[secret]";

    private byte[] ReadFile()
    {
        if (!OperatingSystem.IsWindows() && (System.IO.File.GetUnixFileMode(_file!) & TooOpen) != 0)
        {
            throw new IOException($"The PIN file {_file} is open to others than its owner and group. Run: chmod 440 {_file}");
        }

        using var content = new SecretBytes(LongestFile);
        using var file = System.IO.File.OpenHandle(_file!);
        var length = RandomAccess.Read(file, content.Span, 0);
        var pin = content.Span[..length].TrimEnd("\r\n"u8);
        if (pin.IsEmpty || length == LongestFile || pin.ContainsAny((byte)'\r', (byte)'\n', (byte)0))
        {
            throw new IOException($"The PIN file {_file} must hold one PIN on one line.");
        }

        var bytes = GC.AllocateArray<byte>(pin.Length, pinned: true);
        pin.CopyTo(bytes);
        return bytes;
    }
}
