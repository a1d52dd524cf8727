using OrleansKms.Configuration;

namespace OrleansKms.Grains.Hsm;

/// <summary>Which HSM to use, and how.</summary>
public sealed record HsmOptions
{
    /// <summary>The label of a new root key when the URI gives no <c>object</c>.</summary>
    public const string DefaultRootLabel = "okms-root";

    /// <summary>The setting that names the HSM, for messages.</summary>
    public string Setting { get; init; } = SettingTable.HsmAddress.Name;

    /// <summary>The module, the token and the root key.</summary>
    public required HsmAddress Address { get; init; }

    /// <summary>Where the user PIN comes from.</summary>
    public required HsmPin Pin { get; init; }

    /// <summary>Whether a start with an empty database may generate the root key in the HSM.</summary>
    public bool MayCreateRoot { get; init; }

    /// <summary>How many calls the HSM gets at a time, each with its own session and thread.</summary>
    public int Sessions { get; init; } = (int)SettingTable.HsmSessions.Default;

    /// <summary>How long a caller waits for the HSM.</summary>
    public TimeSpan Timeout { get; init; } = SettingTable.HsmTimeout.Default;

    /// <summary>How often the HSM is probed in the background.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The largest message that keys in the HSM must take, in bytes.</summary>
    public int MaxMessage { get; init; } = (int)SettingTable.MaxPlaintextBytes.Default;

    /// <summary>Reads what the operator set: the URI, and a PIN from elsewhere.</summary>
    /// <param name="address">The URI.</param>
    /// <param name="pin">The PIN, when it is neither in the URI nor in a file; null otherwise.</param>
    /// <param name="pinSetting">The setting that gives the PIN, for messages.</param>
    /// <exception cref="FormatException">Something is missing or given twice; the message completes a sentence.</exception>
    public static HsmOptions Read(string address, string? pin, string? pinSetting = null)
    {
        var uri = HsmAddress.Parse(address);
        return new HsmOptions { Address = uri, Pin = HsmPin.Of(uri.PinFile, uri.PinValue, pin, pinSetting ?? SettingTable.HsmPin.Name) };
    }
}
