using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>Signs: also what PKCS#11 calls a signature, as MACs.</summary>
internal sealed partial class HsmSession
{
    /// <summary>Signs a message in one call. A failed operation is ended, so that it does not block the next one.</summary>
    /// <param name="mechanism">The mechanism and its parameters.</param>
    /// <param name="key">The key.</param>
    /// <param name="data">What is signed; may be empty.</param>
    /// <param name="room">The maximum length of the signature, in bytes.</param>
    /// <returns>The result, and the signature if it succeeded.</returns>
    public (TokenAnswer Answer, byte[] Signature) TrySign(CK_MECHANISM mechanism, ulong key, byte[] data, int room)
    {
        var code = Functions.C_SignInit(handle, ref mechanism, key);
        if (code == CKR.CKR_OPERATION_ACTIVE && TryReplace())
        {
            code = Functions.C_SignInit(handle, ref mechanism, key);
        }

        if (code != CKR.CKR_OK)
        {
            return (new("C_SignInit", code), []);
        }

        var signature = new byte[room];
        var length = (ulong)room;
        code = Ended(Functions.C_Sign(handle, data, (ulong)data.Length, signature, ref length));
        return (new("C_Sign", code), code != CKR.CKR_OK ? [] : length == (ulong)room ? signature : signature[..(int)Math.Min(length, (ulong)room)]);
    }

    /// <summary>The largest key that a mechanism takes, as the token says, in the mechanism's units; null when it does not say.</summary>
    public ulong? LargestKey(CKM mechanism)
    {
        var info = new CK_MECHANISM_INFO();
        return Functions.C_GetMechanismInfo(slot, mechanism, ref info) == CKR.CKR_OK && info.MaxKeySize > 0 ? info.MaxKeySize : null;
    }
}
