using System.Security.Cryptography;
using System.Text.Json;
using OrleansKms.Grains.Cryptography.Encapsulation;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// Wycheproof's vectors of ML-KEM: some, by the SHA-256 of what is long, and every one of the files in the directory
/// <c>OKMS_WYCHEPROOF</c>, where that is set.
/// </summary>
public sealed class EncapsulationWycheproofTests
{
    /// <summary>Keys of official seeds of round 3 (mlkem_768_keygen_seed_test.json, cases 1 to 3), and what their public keys hash to.</summary>
    public static TheoryData<string, string, string> Seeds
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var implementation in Implementations.Kems.Where(row => (string)row[0] == "ML_KEM_768").Select(row => (string)row[1]))
            {
                rows.Add(
                    implementation,
                    "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f",
                    "86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4");
                rows.Add(
                    implementation,
                    "d60b93492a1d8c1c7ba6fc0b733137f3406cee8110a93f170e7a78658af326d9003271531cf27285b8721ed5cb46853043b346a66cba6cf765f1b0eaa40bf672",
                    "858915faa304fb5beed7d653189707b34a27504dd254ffb12ad47392a0c1ad4a");
                rows.Add(
                    implementation,
                    "4b622de1350119c45a9f2e2ef3dc5df50a759d138cdfbd64c81cc7cc2f513345e82fcc97ca60ccb27bf6938c975658aeb8b4d37cffbde25d97e561f36c219ade",
                    "abdbf1e55c0f6132e2a7d4d5a765922004fce0aaa4ad71603203842aafab0750");
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Seed_MakesTheKeyThatTheVectorsSay(string implementation, string seed, string publicKey)
    {
        var algorithm = Implementations.Kem("ML_KEM_768", implementation);
        var key = new byte[1184];
        algorithm.PublicOf(Convert.FromHexString(seed), key);
        Assert.Equal(publicKey, Convert.ToHexStringLower(SHA256.HashData(key)));
    }

    /// <summary>Every file that is there, over every implementation that is there. Fails if the directory has none of them.</summary>
    [WycheproofFact]
    public void EveryCase_OfTheDirectory_IsAsItSays()
    {
        var cases = 0;
        foreach (var (spec, implementation) in Implementations.Kems.Where(row => (string)row[0] != "X_WING").Select(row => ((string)row[0], (string)row[1])))
        {
            var algorithm = (MlKemAlgorithm)Implementations.Kem(spec, implementation);
            foreach (var kind in (string[])["test", "keygen_seed_test", "encaps_test"])
            {
                using var file = new WycheproofFile($"{spec.ToLowerInvariant().Replace("ml_kem", "mlkem", StringComparison.Ordinal)}_{kind}.json");
                foreach (var one in file.Cases())
                {
                    cases++;
                    Assert.True(Holds(algorithm, implementation, one), $"{spec}, {implementation}, {kind}: {one}");
                }
            }
        }

        Assert.InRange(cases, 1000, int.MaxValue);
    }

    /// <summary>Whether a case is as it says: a seed or key that cannot be opened, or a ciphertext that cannot be one, is what makes it invalid.</summary>
    private static bool Holds(MlKemAlgorithm algorithm, string implementation, WycheproofCase one)
    {
        try
        {
            var seed = Bytes(one, "seed");
            byte[] key = seed is null ? Bytes(one, "ek")! : new byte[algorithm.PublicKeyLength];
            if (seed is { Length: not 64 } || key.Length != algorithm.PublicKeyLength) return one.IsValid == false;
            if (seed is not null) algorithm.PublicOf(seed, key);
            if (seed is not null && Bytes(one, "ek") is { } theirs && !theirs.SequenceEqual(key)) return one.IsValid == false;
            return seed is null
                ? Encapsulates(algorithm, implementation, one, key)
                : Bytes(one, "c") is not { } ciphertext || Decapsulates(algorithm, one, seed, ciphertext);
        }
        catch (CryptographicException)
        {
            return one.IsValid == false;
        }
    }

    private static bool Encapsulates(MlKemAlgorithm algorithm, string implementation, WycheproofCase one, byte[] key)
    {
        using var opened = algorithm.OpenPublic(key, bytes => Bytes(one, "m")!.CopyTo(bytes));
        var (ciphertext, secret) = (new byte[algorithm.CiphertextLength], new byte[32]);
        opened.Encapsulate(ciphertext, secret);

        // Others take no randomness: then the key was good, and that is what can be said.
        return implementation != Implementations.Library
            ? one.IsValid == true
            : one.IsValid == (Bytes(one, "c")!.SequenceEqual(ciphertext) && Bytes(one, "K")!.SequenceEqual(secret));
    }

    private static bool Decapsulates(MlKemAlgorithm algorithm, WycheproofCase one, byte[] seed, byte[] ciphertext)
    {
        if (ciphertext.Length != algorithm.CiphertextLength) return one.IsValid == false;
        using var opened = algorithm.OpenPrivate(seed);
        var secret = new byte[32];
        opened.Decapsulate(ciphertext, secret);
        return one.IsValid == Bytes(one, "K")!.SequenceEqual(secret);
    }

    private static byte[]? Bytes(WycheproofCase one, string name) =>
        one.Test.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? Convert.FromHexString(value.GetString()!) : null;
}
