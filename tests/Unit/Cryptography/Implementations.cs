using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Encapsulation;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// Every implementation that this machine has of each algorithm that may run on several: the vectors are the same for all. The platform's
/// ML-KEM and ML-DSA need OpenSSL 3.5 or Windows; where they are missing, <see cref="ImplementationsTests"/> says so.
/// </summary>
internal static class Implementations
{
    /// <summary>The name of BouncyCastle's.</summary>
    internal const string Library = "BouncyCastle";

    /// <summary>The name of the platform's.</summary>
    internal const string Platform = "platform";

    private static readonly Dictionary<(string Spec, string Implementation), KeyAlgorithm> _all = Find();

    /// <summary>Implementations of algorithms that encapsulate, for a theory.</summary>
    public static TheoryData<string, string> Kems => Of<KemAlgorithm>();

    /// <summary>Implementations of algorithms that sign, for a theory.</summary>
    public static TheoryData<string, string> Signatures => Of<SignatureAlgorithm>();

    internal static KemAlgorithm Kem(string spec, string implementation) => (KemAlgorithm)_all[(spec, implementation)];

    internal static SignatureAlgorithm Signature(string spec, string implementation) => (SignatureAlgorithm)_all[(spec, implementation)];

    private static TheoryData<string, string> Of<TAlgorithm>()
    {
        var rows = new TheoryData<string, string>();
        foreach (var ((spec, implementation), _) in _all.Where(one => one.Value is TAlgorithm)) rows.Add(spec, implementation);
        return rows;
    }

    private static Dictionary<(string Spec, string Implementation), KeyAlgorithm> Find()
    {
        var all = new List<(string Name, KeyAlgorithm Algorithm)>();
        bool[] hashes = Shake256.IsSupported && SHA3_256.IsSupported ? [false, true] : [false];
        foreach (var platform in MLKem.IsSupported ? (bool[])[false, true] : [false])
        {
            var sets = MlKemAlgorithm.On(platform);
            all.AddRange(sets.Select(set => (Name(platform), (KeyAlgorithm)set)));
            all.AddRange(hashes.Select(hash => (
                platform == hash ? Name(platform) : $"{Name(platform)}, hashes of {Name(hash)}",
                (KeyAlgorithm)XWingAlgorithm.On(sets[1], hash))));
        }

        foreach (var platform in MLDsa.IsSupported ? (bool[])[false, true] : [false])
        {
            all.AddRange(MlDsaAlgorithm.On(platform).Select(set => (Name(platform), (KeyAlgorithm)set)));
        }

        return all.ToDictionary(one => (one.Algorithm.Spec, one.Name), one => one.Algorithm);
    }

    private static string Name(bool platform) => platform ? Platform : Library;
}
