using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>What every way to sign does, whichever it is.</summary>
public sealed class SignatureContractTests
{
    private static readonly byte[] _message = "the message that is signed"u8.ToArray();

    public static TheoryData<string, string> Schemes => AlgorithmRegistry.Schemes;

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task Signature_OfAnyLength_IsVerifiedByThePublicPart_AndByNoOther(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        using var other = await SignaturePair.Make(spec, 2);
        foreach (var length in IsSlow(spec) ? (int[])[0, 1021] : [0, 1, 31, 67, 1021, 65537])
        {
            var item = new SignItem(RandomNumberGenerator.GetBytes(length), Algorithm: algorithm);
            var signature = await pair.Sign(item);
            Assert.True(pair.Verify(item, signature), $"length {length}");
            Assert.False(other.Verify(item, signature));
            Assert.False(pair.Verify(item with { Data = [.. item.Data, 0] }, signature));
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task AnyByteOfASignature_Changed_IsNotValid(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        foreach (var encoding in Encodings(pair, algorithm))
        {
            var item = new SignItem(_message, Algorithm: algorithm, Encoding: encoding);
            var signature = await pair.Sign(item);

            // Every byte of those that are short; the long ones take a while.
            var step = signature.Length > 1000 ? signature.Length / 50 : 1;
            for (var i = 0; i < signature.Length; i += step)
            {
                signature[i] ^= (byte)(1 << (i % 8));
                Assert.False(pair.Verify(item, signature), $"byte {i} of {encoding}");
                signature[i] ^= (byte)(1 << (i % 8));
            }

            Assert.True(pair.Verify(item, signature));
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task WhatIsNoSignature_IsNotValid_AndNeverThrows(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        foreach (var encoding in Encodings(pair, algorithm))
        {
            var item = new SignItem(_message, Algorithm: algorithm, Encoding: encoding);
            var signature = await pair.Sign(item);
            byte[][] wrong =
            [
                [], [0], [0x30], [0x30, 0], [0x30, 0x80, 0, 0], signature[1..], signature[..^1], [.. signature, 0], [0, .. signature],
                new byte[signature.Length], [.. Enumerable.Repeat((byte)0xff, signature.Length)], new byte[65536],
                System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString("SIGNATURE", signature)),
            ];
            Assert.All(wrong, bytes => Assert.False(pair.Verify(item, bytes)));
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task Digest_IsSignedAsItsMessage_WhereThereIsOne(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        var scheme = pair.Signs.Schemes.Single(s => s.Name == algorithm);
        if (scheme.Hash is not { } hash)
        {
            Refused("invalid_parameter", pair, new(new byte[32], IsDigest: true, Algorithm: algorithm));
            Refused("invalid_parameter", pair, new(new byte[64], IsDigest: true, Algorithm: algorithm));
            Refused("invalid_parameter", pair, new([], IsDigest: true, Algorithm: algorithm));
            return;
        }

        var digest = CryptographicOperations.HashData(hash, _message);
        Assert.Equal(scheme.DigestLength, digest.Length);
        var message = new SignItem(_message, Algorithm: algorithm);
        var hashed = new SignItem(digest, IsDigest: true, Algorithm: algorithm);
        Assert.True(pair.Verify(message, await pair.Sign(hashed)));
        Assert.True(pair.Verify(hashed, await pair.Sign(message)));
        foreach (var length in (int[])[0, 1, digest.Length - 1, digest.Length + 1, 4096])
        {
            Refused("invalid_parameter", pair, hashed with { Data = new byte[length] });
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task WhatTheAlgorithmDoesNotTake_IsRefused(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        var scheme = pair.Signs.Schemes.Single(s => s.Name == algorithm);
        foreach (var name in (string[])["", "ROT13", algorithm.ToLowerInvariant(), algorithm + " "])
        {
            Refused("unsupported_algorithm", pair, new(_message, Algorithm: name));
        }

        if (!scheme.HasEncodings)
        {
            Refused("invalid_parameter", pair, new(_message, Algorithm: algorithm, Encoding: SignatureEncoding.Der));
        }

        if (scheme.HasContext)
        {
            Refused("invalid_parameter", pair, new(_message, Algorithm: algorithm, Context: new byte[256]));
            foreach (var length in IsSlow(spec) ? (int[])[255] : [0, 1, 255])
            {
                var item = new SignItem(_message, Algorithm: algorithm, Context: RandomNumberGenerator.GetBytes(length));
                var signature = await pair.Sign(item);
                Assert.True(pair.Verify(item, signature));
                Assert.Equal(length == 0, pair.Verify(item with { Context = null }, signature));
            }
        }
        else
        {
            Refused("invalid_parameter", pair, new(_message, Algorithm: algorithm, Context: [1]));
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task Signature_OfOneAlgorithm_IsNoneOfAnother(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        if (pair.Signs.Schemes.Count == 1)
        {
            Assert.Equal(algorithm, pair.Signs.Schemes[0].Name);
            return;
        }

        var signature = await pair.Sign(new(_message, Algorithm: algorithm));
        foreach (var scheme in pair.Signs.Schemes.Where(scheme => scheme.Name != algorithm))
        {
            Assert.False(pair.Verify(new(_message, Algorithm: scheme.Name), signature), scheme.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task PublicPart_IsReadByTheWorld_AndMoreOfItIsRefused(string spec, string algorithm)
    {
        using var pair = await SignaturePair.Make(spec);
        Assert.NotNull(algorithm);
        foreach (var bad in (byte[][])[[], pair.PublicPart[1..], pair.PublicPart[..^1], [.. pair.PublicPart, 0]])
        {
            Assert.ThrowsAny<CryptographicException>(() => pair.Algorithm.OpenPublic(KeyUsage.SignVerify, 1, bad));
        }

        Assert.Throws<ArgumentException>(() => pair.Algorithm.OpenPublic(KeyUsage.Mac, 1, pair.PublicPart));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Algorithm.OpenPublic(KeyUsage.SignVerify, 0, pair.PublicPart));
    }

    private static bool IsSlow(string spec) => ((AlgorithmRegistry.SignatureRow)AlgorithmRegistry.Of(spec)).SignsSlowly;

    private static void Refused(string code, SignaturePair pair, SignItem item) =>
        Assert.Equal(code, Assert.Throws<KmsException>(() => SignatureInput.Of(pair.Signs.Schemes, item)).Code);

    private static SignatureEncoding?[] Encodings(SignaturePair pair, string algorithm) =>
        pair.Signs.Schemes.Single(s => s.Name == algorithm).HasEncodings ? [SignatureEncoding.Der, SignatureEncoding.P1363] : [null];
}
