using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>What every algorithm that encapsulates does, whichever it is.</summary>
public sealed class EncapsulationContractTests
{
    public static TheoryData<string> Specs => AlgorithmRegistry.KemSpecs;

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Secret_IsFoundByThePrivatePart_AndIsAnotherEachTime(string spec)
    {
        var row = (AlgorithmRegistry.KemRow)AlgorithmRegistry.Of(spec);
        var material = await AlgorithmRegistry.Material(spec, 1);
        using var pair = new KemPair(KemPair.Of(spec), material);
        Assert.Equal((row.MaterialLength, row.PublicPartLength), (material.Length, pair.PublicPart.Length));
        var secrets = new HashSet<string>();
        for (var i = 0; i < 20; i++)
        {
            var (ciphertext, secret) = pair.Encapsulate();
            Assert.Equal((row.CiphertextLength, 32), (ciphertext.Length, secret.Length));
            Assert.Equal(secret, pair.Decapsulate(ciphertext));
            Assert.True(secrets.Add(Convert.ToHexString(secret)));
        }
    }

    // Implicit rejection: nobody learns whether a ciphertext is one, and the same one always leads to the same secret.
    [Theory]
    [MemberData(nameof(Specs))]
    public async Task AnyByteOfACiphertext_Changed_LeadsToAnotherSecret(string spec)
    {
        using var pair = new KemPair(KemPair.Of(spec), await AlgorithmRegistry.Material(spec, 1));
        var (ciphertext, secret) = pair.Encapsulate();
        var found = new HashSet<string> { Convert.ToHexString(secret) };
        for (var i = 0; i < ciphertext.Length; i += 3)
        {
            ciphertext[i] ^= (byte)(1 << (i % 8));

            // X25519 ignores the highest bit of a point (RFC 7748, 5); X-Wing hashes it all the same.
            var other = pair.Decapsulate(ciphertext)!;
            Assert.True(found.Add(Convert.ToHexString(other)), $"byte {i}");
            Assert.Equal(other, pair.Decapsulate(ciphertext));
            ciphertext[i] ^= (byte)(1 << (i % 8));
        }

        Assert.Equal(secret, pair.Decapsulate(ciphertext));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task AnotherKey_FindsAnotherSecret(string spec)
    {
        using var one = new KemPair(KemPair.Of(spec), await AlgorithmRegistry.Material(spec, 1));
        using var two = new KemPair(KemPair.Of(spec), await AlgorithmRegistry.Material(spec, 2));
        var (ciphertext, secret) = one.Encapsulate();
        Assert.NotEqual(secret, two.Decapsulate(ciphertext));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Ciphertext_OfAnotherLength_IsNone(string spec)
    {
        using var pair = new KemPair(KemPair.Of(spec), await AlgorithmRegistry.Material(spec, 1));
        var (ciphertext, _) = pair.Encapsulate();
        Assert.Null(pair.Decapsulate([]));
        Assert.Null(pair.Decapsulate([.. ciphertext, 0]));
        Assert.Null(pair.Decapsulate(new byte[1 << 20]));
        for (var length = 1; length < ciphertext.Length; length += 31) Assert.Null(pair.Decapsulate(ciphertext.AsSpan(0, length)));
        foreach (var other in AlgorithmRegistry.Kems.Where(row => row.Spec != spec)) Assert.Null(pair.Decapsulate(new byte[other.CiphertextLength]));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task OpenPublic_WhatIsNoPublicKey_IsRefused(string spec)
    {
        var algorithm = KemPair.Of(spec);
        var material = await AlgorithmRegistry.Material(spec, 1);
        var good = algorithm.PublicPart(material)!;
        byte[][] bad = [[], good[1..], good[..^1], [.. good, 0], material, new byte[good.Length]];
        foreach (var one in bad.Concat(KeyAlgorithms.All.Where(a => a.Spec != spec).Select(a => Part(a.Spec)).OfType<byte[]>()))
        {
            Assert.ThrowsAny<CryptographicException>(() => algorithm.OpenPublic(KeyUsage.Encapsulate, 1, one));
        }

        Assert.Throws<ArgumentException>(() => algorithm.OpenPublic(KeyUsage.SignVerify, 1, good));
        Assert.Throws<ArgumentOutOfRangeException>(() => algorithm.OpenPublic(KeyUsage.Encapsulate, 0, good));

        static byte[]? Part(string other) => AlgorithmRegistry.Of(other).HasPublicPart && AlgorithmRegistry.Of(other) is not AlgorithmRegistry.SignatureRow { SignsSlowly: true }
            ? KeyAlgorithms.All.Single(a => a.Spec == other).PublicPart(AlgorithmRegistry.Material(other, 1).GetAwaiter().GetResult())
            : null;
    }

    /// <summary>FIPS 203, 7.2: each number of an encapsulation key is below the modulus, or there would be several forms of one key.</summary>
    [Theory]
    [MemberData(nameof(Implementations.Kems), MemberType = typeof(Implementations))]
    public async Task OpenPublic_ANumberNotBelowTheModulus_IsRefused(string spec, string implementation)
    {
        var algorithm = Implementations.Kem(spec, implementation);
        var good = algorithm.PublicPart(await AlgorithmRegistry.Material(spec, 1))!;
        var length = spec switch { "ML_KEM_512" => 800, "ML_KEM_1024" => 1568, _ => 1184 };
        var start = spec == "X_WING" ? good.Length - 32 - length : good.Length - length;
        var numbers = (length - 32) * 8 / 12;
        for (var number = 0; number < numbers; number++)
        {
            byte[] bad = [.. good];
            Put(bad.AsSpan(start), number, number % 3 == 0 ? 3329 : number % 3 == 1 ? 4095 : 3330 + (number % 765));
            Assert.ThrowsAny<CryptographicException>(() => algorithm.OpenPublic(KeyUsage.Encapsulate, 1, bad));
            Put(bad.AsSpan(start), number, 3328);
            algorithm.OpenPublic(KeyUsage.Encapsulate, 1, bad)!.Dispose();
        }

        // Two numbers in three bytes, the lower bits first (FIPS 203, algorithm 5).
        static void Put(Span<byte> key, int number, int value)
        {
            var three = key[(number / 2 * 3)..];
            if (number % 2 == 0)
            {
                three[0] = (byte)value;
                three[1] = (byte)((three[1] & 0xf0) | (value >> 8));
            }
            else
            {
                three[1] = (byte)((three[1] & 0x0f) | (value << 4));
                three[2] = (byte)(value >> 4);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Open_MaterialZeroedAfterwards_KeyStillWorks(string spec)
    {
        byte[] material = [.. await AlgorithmRegistry.Material(spec, 1)];
        using var pair = new KemPair(KemPair.Of(spec), material);
        CryptographicOperations.ZeroMemory(material);
        var (ciphertext, secret) = pair.Encapsulate();
        Assert.Equal(secret, pair.Decapsulate(ciphertext));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Dispose_Twice_EndsTheKey(string spec)
    {
        var version = KemPair.Of(spec).Open(KeyUsage.Encapsulate, "k", 1, await AlgorithmRegistry.Material(spec, 1)).Require<IDecapsulates>();
        version.Dispose();
        version.Dispose();
        Assert.Throws<ObjectDisposedException>(() => version.Decapsulate(new byte[KemPair.Of(spec).CiphertextLength]));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Capabilities_AreApart(string spec)
    {
        var algorithm = KemPair.Of(spec);
        var material = await AlgorithmRegistry.Material(spec, 1);
        using var secret = algorithm.Open(KeyUsage.Encapsulate, "k", 1, material);
        using var open = algorithm.OpenPublic(KeyUsage.Encapsulate, 1, algorithm.PublicPart(material));
        Assert.Equal("wrong_key_usage", Assert.Throws<KmsException>(secret.Require<IEncapsulates>).Code);
        Assert.Equal("wrong_key_usage", Assert.Throws<KmsException>(open!.Require<IDecapsulates>).Code);
    }
}
