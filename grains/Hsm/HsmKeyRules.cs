using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The attributes of our keys in the HSM: AES-256, generated in the token and never outside it, for encryption and decryption
/// only. A key that could also wrap or derive would leak keys that way, and one that may be changed or copied could be given
/// those rights.
/// </summary>
internal static class HsmKeyRules
{
    private const ulong KeyLength = 32;

    // Attributes that are set when a key is made, and checked when one is found.
    private static readonly (CKA Type, bool Value)[] _asked =
    [
        (CKA.CKA_TOKEN, true), (CKA.CKA_PRIVATE, true), (CKA.CKA_SENSITIVE, true), (CKA.CKA_EXTRACTABLE, false),
        (CKA.CKA_ENCRYPT, true), (CKA.CKA_DECRYPT, true), (CKA.CKA_WRAP, false), (CKA.CKA_UNWRAP, false),
        (CKA.CKA_SIGN, false), (CKA.CKA_VERIFY, false), (CKA.CKA_DERIVE, false), (CKA.CKA_MODIFIABLE, false),
        (CKA.CKA_COPYABLE, false),
    ];

    // Attributes that the token sets, and that tell where the key has been.
    private static readonly (CKA Type, bool Value)[] _told =
        [(CKA.CKA_LOCAL, true), (CKA.CKA_NEVER_EXTRACTABLE, true), (CKA.CKA_ALWAYS_SENSITIVE, true)];

    /// <summary>The template of a new key.</summary>
    /// <param name="id">Its CKA_ID.</param>
    /// <param name="label">Its CKA_LABEL.</param>
    public static Pkcs11Template NewKey(ReadOnlySpan<byte> id, string label)
    {
        var template = new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_SECRET_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)CKK.CKK_AES)
            .Add(CKA.CKA_VALUE_LEN, KeyLength).Add(CKA.CKA_ID, id).Add(CKA.CKA_LABEL, label);
        foreach (var (type, value) in _asked)
        {
            template.Add(type, value);
        }

        return template;
    }

    /// <summary>Finds the first thing wrong with a key.</summary>
    /// <returns>The attribute, in the operator's terms, and what it should be; null for a good key.</returns>
    public static string? Violation(HsmSession session, ulong key)
    {
        if (Number(session, key, CKA.CKA_KEY_TYPE) != (ulong)CKK.CKK_AES)
        {
            return "CKA_KEY_TYPE is not CKK_AES";
        }

        if (Number(session, key, CKA.CKA_VALUE_LEN) != KeyLength)
        {
            return "CKA_VALUE_LEN is not 32";
        }

        foreach (var (type, expected) in (IEnumerable<(CKA, bool)>)[.. _asked, .. _told])
        {
            var value = session.Attribute(key, type);

            // Tokens older than v2.40 do not know CKA_COPYABLE; every other attribute must be there.
            if (type == CKA.CKA_COPYABLE && value is null or [])
            {
                continue;
            }

            if (value is not [var flag] || (flag != 0) != expected)
            {
                return $"{type} is not {(expected ? "true" : "false")}";
            }
        }

        return null;
    }

    private static ulong? Number(HsmSession session, ulong key, CKA type) =>
        session.Attribute(key, type) is { Length: sizeof(ulong) } bytes ? MemoryMarshal.Read<ulong>(bytes) : null;
}
