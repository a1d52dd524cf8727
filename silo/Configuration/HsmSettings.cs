using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;

namespace OrleansKms.Silo.Configuration;

/// <summary>The settings of HSMs, and of the other root key, which may be in one.</summary>
internal static class HsmSettings
{
    /// <summary>Reads and checks them.</summary>
    /// <returns>The HSM of the silo's root, and another root; each null where there is none.</returns>
    public static (HsmOptions? Own, OtherRootOptions? Other) Read(SettingsReader reader, int maxPlaintextBytes)
    {
        // All are read, so that all are known, and each is checked whether or not it is used.
        var mayCreateRoot = reader.Read(SettingTable.HsmCreateRoot);
        var sessions = reader.Integer(SettingTable.HsmSessions);
        var timeout = reader.Read(SettingTable.HsmTimeout);
        var own = Read(reader, SettingTable.HsmAddress, SettingTable.HsmPin);
        var other = Read(reader, SettingTable.OtherHsmAddress, SettingTable.OtherHsmPin);
        return (Complete(own), ReadOther(reader, Complete(other)));

        HsmOptions? Complete(HsmOptions? hsm) => hsm is null ? null : hsm with
        {
            MayCreateRoot = mayCreateRoot,
            Sessions = sessions,
            Timeout = timeout,
            MaxMessage = maxPlaintextBytes,
        };
    }

    private static HsmOptions? Read(SettingsReader reader, TextSetting addressSetting, TextSetting pinSetting)
    {
        var (address, pin) = (reader.Text(addressSetting), reader.Text(pinSetting));
        if (address is null)
        {
            return pin is null ? null : throw new SettingException(pinSetting, $"is set, but {addressSetting} is not.");
        }

        try
        {
            return HsmOptions.Read(address, pin, pinSetting.Name) with { Setting = addressSetting.Name };
        }
        catch (FormatException e)
        {
            throw new SettingException(addressSetting, e.Message);
        }
    }

    // Not checked for here: the command that uses it may create it.
    private static OtherRootOptions? ReadOther(SettingsReader reader, HsmOptions? hsm) => (hsm, reader.Text(SettingTable.OtherRootKeyFile)) switch
    {
        (null, null) => null,
        (null, { } file) => new OtherRootOptions { KeyFile = Path.GetFullPath(file) },
        (_, null) => new OtherRootOptions { Hsm = hsm },
        _ => throw new SettingException(SettingTable.OtherRootKeyFile, $"contradicts {SettingTable.OtherHsmAddress}: set one of the two."),
    };
}
