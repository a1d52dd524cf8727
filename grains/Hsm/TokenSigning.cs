using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using Net.Pkcs11Interop.LowLevelAPI80.MechanismParams;

namespace OrleansKms.Grains.Hsm;

/// <summary>One way to sign by C_Sign: a mechanism and its parameters, which do not change.</summary>
internal sealed class TokenSigning
{
    private readonly CKM _mechanism;
    private readonly string _name;

    // Pinned: the mechanism points to it.
    private readonly byte[] _parameters;

    private TokenSigning(CKM mechanism, string name, byte[] parameters) => (_mechanism, _name, _parameters) = (mechanism, name, parameters);

    private CK_MECHANISM Mechanism => _parameters.Length == 0 ? new() { Mechanism = (ulong)_mechanism } : new()
    {
        Mechanism = (ulong)_mechanism,
        Parameter = Marshal.UnsafeAddrOfPinnedArrayElement(_parameters, 0),
        ParameterLen = (ulong)_parameters.Length,
    };

    /// <summary>By a mechanism without parameters.</summary>
    /// <param name="mechanism">The mechanism.</param>
    /// <param name="name">Its name, for messages; null for that of the constant.</param>
    public static TokenSigning By(CKM mechanism, string? name = null) => new(mechanism, name ?? mechanism.ToString(), []);

    /// <summary>By CKM_RSA_PKCS_PSS of a digest; the salt is as long as the digest, and the mask is of the same hash.</summary>
    /// <param name="hashBits">256, 384 or 512.</param>
    public static TokenSigning ByPss(int hashBits)
    {
        var (hash, mask) = hashBits switch
        {
            256 => (CKM.CKM_SHA256, CKG.CKG_MGF1_SHA256),
            384 => (CKM.CKM_SHA384, CKG.CKG_MGF1_SHA384),
            _ => (CKM.CKM_SHA512, CKG.CKG_MGF1_SHA512),
        };
        var parameters = GC.AllocateArray<byte>(Marshal.SizeOf<CK_RSA_PKCS_PSS_PARAMS>(), pinned: true);
        MemoryMarshal.Write(parameters, new CK_RSA_PKCS_PSS_PARAMS { HashAlg = (ulong)hash, Mgf = (ulong)mask, Len = (ulong)hashBits / 8 });
        return new(CKM.CKM_RSA_PKCS_PSS, FormattableString.Invariant($"CKM_RSA_PKCS_PSS, SHA-{hashBits}"), parameters);
    }

    /// <summary>Signs.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The key.</param>
    /// <param name="data">What the mechanism signs; may be empty.</param>
    /// <param name="length">The exact length of a signature in bytes.</param>
    /// <exception cref="HsmException">The token refused, or made something of another length.</exception>
    public byte[] Sign(HsmSession session, ulong key, byte[] data, int length)
    {
        var (answer, signature) = session.TrySign(Mechanism, key, data, length);
        return !answer.IsOk ? throw answer.Failure(_name)
            : signature.Length == length ? signature
            : throw new HsmWrongAnswerException($"{_name} made {signature.Length} bytes instead of {length}");
    }
}
