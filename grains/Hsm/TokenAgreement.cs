using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using Net.Pkcs11Interop.LowLevelAPI80.MechanismParams;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Agreement by CKM_ECDH1_DERIVE without a derivation (PKCS#11 v2.40, 2.3.5): the token makes the secret as an object of the session, from
/// which it is read and which is destroyed. So the private key stays there, and the secret comes here, where keys are derived from it.
/// </summary>
/// <param name="name">What is told of it.</param>
/// <param name="encode">How the token wants the other side's point.</param>
internal sealed class TokenAgreement(string name, Func<byte[], byte[]> encode)
{
    /// <summary>The two ways in which v2.40 lets a token take a point: as it is, or as an octet string in DER.</summary>
    public static IReadOnlyList<TokenAgreement> All { get; } =
    [
        new("CKM_ECDH1_DERIVE", point => point),
        new("CKM_ECDH1_DERIVE, points in DER", InDer),
    ];

    /// <summary>Agrees.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The private key.</param>
    /// <param name="point">The other side's point, which was checked.</param>
    /// <param name="length">The exact length of the secret in bytes.</param>
    /// <returns>The secret, which the caller disposes.</returns>
    /// <exception cref="HsmException">The token refused, or made something of another length.</exception>
    public SecretBytes Agree(HsmSession session, ulong key, byte[] point, int length)
    {
        var template = new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)CKO.CKO_SECRET_KEY).Add(CKA.CKA_KEY_TYPE, (ulong)CKK.CKK_GENERIC_SECRET).Add(CKA.CKA_TOKEN, false)
            .Add(CKA.CKA_SENSITIVE, false).Add(CKA.CKA_EXTRACTABLE, true).Add(CKA.CKA_VALUE_LEN, (ulong)length);
        var (mechanism, parameters) = Mechanism(encode(point));
        var (answer, secret) = session.TryDerive(mechanism, key, template, length);
        GC.KeepAlive(parameters);
        return answer.IsOk && secret is not null ? secret : throw answer.Failure(name);
    }

    private static (CK_MECHANISM Mechanism, byte[] Parameters) Mechanism(byte[] point)
    {
        var size = Marshal.SizeOf<CK_ECDH1_DERIVE_PARAMS>();
        var block = GC.AllocateArray<byte>(size + point.Length, pinned: true);
        point.CopyTo(block, size);
        MemoryMarshal.Write(block, new CK_ECDH1_DERIVE_PARAMS
        {
            Kdf = (ulong)CKD.CKD_NULL,
            PublicData = Marshal.UnsafeAddrOfPinnedArrayElement(block, size),
            PublicDataLen = (ulong)point.Length,
        });
        return (
            new()
            {
                Mechanism = (ulong)CKM.CKM_ECDH1_DERIVE,
                Parameter = Marshal.UnsafeAddrOfPinnedArrayElement(block, 0),
                ParameterLen = (ulong)size,
            },
            block);
    }

    private static byte[] InDer(byte[] point)
    {
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        writer.WriteOctetString(point);
        return writer.Encode();
    }
}
