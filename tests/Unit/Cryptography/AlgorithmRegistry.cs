using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// What each algorithm must be for ever, written down a second time: a new algorithm is one row here, and every test of the
/// contract then runs over it. <see cref="KeyAlgorithmsTests"/> holds the two tables together.
/// </summary>
internal static class AlgorithmRegistry
{
    internal record Row(string Spec, KeyUsage[] Usages, UsageLimit Limit, bool HasPublicPart);

    internal sealed record AeadRow(string Spec, byte Id, int MaterialLength, int NonceLength, UsageLimit Limit)
        : Row(Spec, [KeyUsage.EncryptDecrypt], Limit, HasPublicPart: false);

    internal sealed record SignatureRow(string Spec, string[] Algorithms)
        : Row(Spec, [KeyUsage.SignVerify], UsageLimit.None, HasPublicPart: true);

    private static readonly UsageLimit _random96 = new(2147483648, 4294967296);

    internal static readonly AeadRow[] Aeads =
    [
        new("AES_256_GCM", 1, 32, 12, _random96),
        new("AES_128_GCM", 2, 16, 12, _random96),
        new("XAES_256_GCM", 3, 32, 24, UsageLimit.None),
        new("CHACHA20_POLY1305", 4, 32, 12, _random96),
        new("AES_256_GCM_SIV", 5, 32, 12, new(140737488355328, 281474976710656)),
        new("XCHACHA20_POLY1305", 6, 32, 24, UsageLimit.None),
    ];

    internal static readonly SignatureRow[] Signatures =
    [
        new("ECC_NIST_P256", ["ECDSA_SHA_256"]),
        new("ECC_NIST_P384", ["ECDSA_SHA_384"]),
        new("ECC_NIST_P521", ["ECDSA_SHA_512"]),
        new("ECC_SECG_P256K1", ["ECDSA_SHA_256"]),
    ];

    internal static readonly Row[] All = [.. Aeads, .. Signatures];

    /// <summary>All specs, for a theory.</summary>
    public static TheoryData<string> Specs => new(All.Select(r => r.Spec));

    /// <summary>The specs that encrypt, for a theory.</summary>
    public static TheoryData<string> AeadSpecs => new(Aeads.Select(r => r.Spec));

    /// <summary>Every way to sign: a spec and an algorithm of it.</summary>
    public static TheoryData<string, string> Schemes
    {
        get
        {
            var schemes = new TheoryData<string, string>();
            foreach (var row in Signatures)
            {
                foreach (var algorithm in row.Algorithms) schemes.Add(row.Spec, algorithm);
            }

            return schemes;
        }
    }

    internal static Row Of(string spec) => All.Single(r => r.Spec == spec);

    internal static AeadAlgorithm Aead(string spec) => KeyAlgorithms.Aeads.Single(a => a.Spec == spec);

    /// <summary>Opens a version of material that counts up.</summary>
    internal static IEncryptsAtOnce Open(this AeadAlgorithm algorithm, string id, int version, int start = 0) =>
        algorithm.Open(KeyUsage.EncryptDecrypt, id, version, Counting(algorithm.MaterialLength, start)).Require<IEncryptsAtOnce>();

    /// <summary>Bytes that count up from a start, so that a misplaced byte is seen.</summary>
    internal static byte[] Counting(int length, int start = 0)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)(start + i);
        }

        return bytes;
    }
}
