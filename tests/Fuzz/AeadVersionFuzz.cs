using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Fuzz;

/// <summary>
/// Target: <see cref="IEncryptsAtOnce.TryDecrypt"/>. It never throws, and it accepts nothing but what was encrypted, with the
/// associated data that it was encrypted with.
/// </summary>
public class AeadVersionFuzz
{
    public static TheoryData<string> Specs => new(KeyAlgorithms.Aeads.Select(a => a.Spec));

    [Theory]
    [MemberData(nameof(Specs))]
    public void Decrypt_HostileBytes_NeverThrowsAndAcceptsOnlyTheGenuine(string spec)
    {
        using var cipher = Open(spec, 7);
        using var sibling = Open(spec, 8);
        var genuine = Genuine(cipher);

        // Ciphertexts of the next version with the same material are the closest that a forger comes to genuine ones.
        byte[][] inputs = [.. genuine.Select(g => g.Ciphertext), .. Genuine(sibling).Select(g => g.Ciphertext)];
        byte[][] associated = [.. genuine.Select(g => g.AssociatedData).Where(a => a.Length > 0)];
        var hostile = new HostileBytes(HostileBytes.Seed);
        var (reached, accepted) = (0, 0);
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var bytes = hostile.Next(8) == 0 ? inputs[hostile.Next(inputs.Length)] : hostile.Of(inputs);
            var associatedData = hostile.Next(4) switch
            {
                0 => [],
                1 => hostile.Of(associated),
                _ => associated[hostile.Next(associated.Length)],
            };
            var header = Header(hostile, bytes, genuine);
            reached += header.KeyVersion == 7 && bytes.Length >= cipher.CiphertextLength(0) ? 1 : 0;

            var plaintext = cipher.DecryptToArray(header, bytes, associatedData);
            if (plaintext is null)
            {
                continue;
            }

            accepted++;
            if (!genuine.Any(g => g.Ciphertext.AsSpan().SequenceEqual(bytes)
                && g.AssociatedData.AsSpan().SequenceEqual(associatedData) && g.Plaintext.AsSpan().SequenceEqual(plaintext)))
            {
                Assert.Fail($"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(bytes)} {Convert.ToHexString(associatedData)}");
            }
        }

        // Otherwise the inputs are too hostile, or too tame, to test anything.
        Assert.InRange(reached, HostileBytes.Rounds / 20, HostileBytes.Rounds);
        Assert.InRange(accepted, 1, HostileBytes.Rounds / 4);
    }

    // Of zeros: which material it is does not matter.
    private static IEncryptsAtOnce Open(string spec, int version)
    {
        var algorithm = KeyAlgorithms.Aeads.Single(a => a.Spec == spec);
        return algorithm.Open(KeyUsage.EncryptDecrypt, "payments.eu.cards", version, new byte[algorithm.MaterialLength])
            .Require<IEncryptsAtOnce>();
    }

    // Mostly the header that the bytes have; at times one that they do not have.
    private static CiphertextHeader Header(HostileBytes hostile, byte[] bytes, List<Case> genuine)
    {
        if (hostile.Next(8) != 0 && CiphertextHeader.TryRead(bytes, out var own))
        {
            return own;
        }

        Assert.True(CiphertextHeader.TryRead(genuine[hostile.Next(genuine.Count)].Ciphertext, out var header));
        return hostile.Next(6) switch
        {
            0 => default,
            1 => header with { Length = hostile.Next(300) - 100 },
            2 => header with { Kind = (CiphertextKind)(hostile.Next(300) - 20) },
            3 => header with { KeyId = "payments.eu.card" },
            _ => header,
        };
    }

    private static List<Case> Genuine(IEncryptsAtOnce cipher)
    {
        var cases = new List<Case>();
        foreach (var kind in new[] { CiphertextKind.Data, CiphertextKind.DataKey, CiphertextKind.DataKeyPair })
        {
            foreach (var (plaintext, associatedData) in new[] { (0, 0), (1, 20), (33, 20), (64, 600) })
            {
                var (p, a) = (new byte[plaintext], new byte[associatedData]);
                cases.Add(new(cipher.EncryptToArray(kind, p, a), a, p));
            }
        }

        return cases;
    }

    private sealed record Case(byte[] Ciphertext, byte[] AssociatedData, byte[] Plaintext);
}
