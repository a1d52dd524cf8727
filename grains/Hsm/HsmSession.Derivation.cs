using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>Derives secrets that come here.</summary>
internal sealed partial class HsmSession
{
    /// <summary>Derives a secret as an object of this session, reads it, and destroys the object.</summary>
    /// <param name="mechanism">The mechanism and its parameters.</param>
    /// <param name="key">The key.</param>
    /// <param name="template">The attributes of the object, which may be read.</param>
    /// <param name="length">The exact length of the secret in bytes.</param>
    /// <returns>The result, and the secret if it succeeded, which the caller disposes.</returns>
    /// <exception cref="HsmException">The secret is of another length, or its object cannot be destroyed: then the session ends, and the object with it.</exception>
    public (TokenAnswer Answer, SecretBytes? Secret) TryDerive(CK_MECHANISM mechanism, ulong key, Pkcs11Template template, int length)
    {
        using var change = module.ChangeObjects();
        var attributes = template.ToArray();
        ulong derived = 0;
        var code = Functions.C_DeriveKey(handle, ref mechanism, key, attributes, (ulong)attributes.Length, ref derived);
        GC.KeepAlive(template);
        if (code != CKR.CKR_OK)
        {
            return (new("C_DeriveKey", code), null);
        }

        var (answer, secret) = Value(derived, length);
        code = Functions.C_DestroyObject(handle, derived);
        if (code != CKR.CKR_OK)
        {
            secret?.Dispose();
            Require("C_DestroyObject", code);
        }

        return answer.IsOk && secret is null
            ? throw new HsmWrongAnswerException(FormattableString.Invariant($"a derived secret is not of {length} bytes"))
            : (answer, secret);
    }

    /// <summary>The value of an object that shows it; null if it is of another length.</summary>
    private (TokenAnswer Answer, SecretBytes? Secret) Value(ulong derived, int length)
    {
        // Room for one byte more: a longer secret must not look like one of the right length.
        var room = GC.AllocateArray<byte>(length + 1, pinned: true);
        try
        {
            var value = new[]
            {
                new CK_ATTRIBUTE { type = (ulong)CKA.CKA_VALUE, value = Marshal.UnsafeAddrOfPinnedArrayElement(room, 0), valueLen = (ulong)room.Length },
            };
            var code = Functions.C_GetAttributeValue(handle, derived, value, 1);
            return (new("C_GetAttributeValue", code), code == CKR.CKR_OK && value[0].valueLen == (ulong)length ? SecretBytes.CopyOf(room.AsSpan(0, length)) : null);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(room);
        }
    }
}
