using OrleansKms.Gateway.Configuration;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;

namespace OrleansKms.Silo.Configuration;

/// <summary>The settings of HSMs, and of the other root key, which may be in one.</summary>
internal static class HsmSettings
{
    private const string Address = "HSM_ADDRESS";
    private const string Pin = "OKMS_HSM_PIN";
    private const string OtherAddress = "OKMS_OTHER_HSM_ADDRESS";
    private const string OtherPin = "OKMS_OTHER_HSM_PIN";
    private const string OtherFile = "OKMS_OTHER_ROOT_KEY_FILE";

    /// <summary>Reads and checks them.</summary>
    /// <returns>The HSM of the silo's root, and another root; each null where there is none.</returns>
    public static (HsmOptions? Own, OtherRootOptions? Other) Read(SettingsReader reader, int maxPlaintextBytes)
    {
        // All are asked for, so that all are known, and each is checked whether or not it is used.
        var mayCreateRoot = reader.Switch("OKMS_HSM_CREATE_ROOT", false);
        var sessions = reader.Integer("OKMS_HSM_SESSIONS", 4, 1, 64);
        var timeout = reader.Duration("OKMS_HSM_TIMEOUT", TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30));
        var own = Read(reader, Address, Pin);
        var other = Read(reader, OtherAddress, OtherPin);
        return (Complete(own), ReadOther(reader, Complete(other)));

        HsmOptions? Complete(HsmOptions? hsm) => hsm is null ? null : hsm with
        {
            MayCreateRoot = mayCreateRoot,
            Sessions = sessions,
            Timeout = timeout,
            LargestMessage = maxPlaintextBytes,
        };
    }

    private static HsmOptions? Read(SettingsReader reader, string addressName, string pinName)
    {
        var (address, pin) = (reader.Text(addressName), reader.Text(pinName));
        if (address is null)
        {
            return pin is null ? null : throw new SettingException(pinName, $"is set, but {addressName} is not.");
        }

        try
        {
            return HsmOptions.Read(address, pin, pinName) with { Setting = addressName };
        }
        catch (FormatException e)
        {
            throw new SettingException(addressName, e.Message);
        }
    }

    // Not looked for here: the command that uses it may make it.
    private static OtherRootOptions? ReadOther(SettingsReader reader, HsmOptions? hsm) => (hsm, reader.Text(OtherFile)) switch
    {
        (null, null) => null,
        (null, { } file) => new OtherRootOptions { KeyFile = Path.GetFullPath(file) },
        (_, null) => new OtherRootOptions { Hsm = hsm },
        _ => throw new SettingException(OtherFile, $"contradicts {OtherAddress}: set one of the two."),
    };
}
