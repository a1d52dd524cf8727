using OrleansKms.Gateway.Configuration;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Silo.Configuration;

/// <summary>The settings of the HSM.</summary>
internal static class HsmSettings
{
    private const string Address = "HSM_ADDRESS";

    /// <summary>Reads and checks them.</summary>
    /// <returns>Null when there is no HSM.</returns>
    public static HsmOptions? Read(SettingsReader reader, int maxPlaintextBytes)
    {
        // All are asked for, so that all are known, and each is checked whether or not it is used.
        var address = reader.Text(Address);
        var pin = reader.Text("OKMS_HSM_PIN");
        var mayCreateRoot = reader.Switch("OKMS_HSM_CREATE_ROOT", false);
        var sessions = reader.Integer("OKMS_HSM_SESSIONS", 4, 1, 64);
        var timeout = reader.Duration("OKMS_HSM_TIMEOUT", TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30));
        if (address is null)
        {
            return pin is null ? null : throw new SettingException("OKMS_HSM_PIN", "is set, but HSM_ADDRESS is not.");
        }

        try
        {
            return HsmOptions.Read(address, pin) with
            {
                MayCreateRoot = mayCreateRoot,
                Sessions = sessions,
                Timeout = timeout,
                LargestMessage = maxPlaintextBytes,
            };
        }
        catch (FormatException e)
        {
            throw new SettingException(Address, e.Message);
        }
    }
}
