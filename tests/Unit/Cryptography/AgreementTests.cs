using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// Key agreement: what every algorithm of it does, published vectors, and the <c>openssl</c> command. A public key has one form,
/// strict DER with a named curve and an uncompressed point; everything else is refused, whatever libraries make of it.
/// </summary>
public sealed class AgreementTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("okms-agreement-");

    public static TheoryData<string> Specs => AlgorithmRegistry.AgreementSpecs;

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Agree_TwoKeys_FindTheSameSecret(string spec)
    {
        var algorithm = Find(spec);
        using var one = await algorithm.NewMaterial();
        using var two = await algorithm.NewMaterial();
        using var secret = Agree(algorithm, one.Span, algorithm.PublicPart(two.Span)!);
        using var same = Agree(algorithm, two.Span, algorithm.PublicPart(one.Span)!);
        using var other = Agree(algorithm, one.Span, algorithm.PublicPart(one.Span)!);
        Assert.Equal(secret!.Span.ToArray(), same!.Span.ToArray());
        Assert.NotEqual(secret.Span.ToArray(), other!.Span.ToArray());
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Agree_AnyBytesChangedOrMissing_IsRefusedOrAnotherSecret(string spec)
    {
        var algorithm = Find(spec);
        using var material = await algorithm.NewMaterial();
        using var peer = await algorithm.NewMaterial();
        var publicKey = algorithm.PublicPart(peer.Span)!;
        using var secret = Agree(algorithm, material.Span, publicKey);
        for (var i = 0; i < publicKey.Length; i++)
        {
            publicKey[i] ^= 0x04;
            using var changed = Agree(algorithm, material.Span, publicKey);
            Assert.True(changed is null || !changed.Span.SequenceEqual(secret!.Span), $"byte {i}");
            publicKey[i] ^= 0x04;
            using var cut = Agree(algorithm, material.Span, publicKey.AsSpan(0, i));
            Assert.Null(cut);
        }

        using var longer = Agree(algorithm, material.Span, [.. publicKey, 0]);
        using var isPrivate = Agree(algorithm, material.Span, peer.Span);
        Assert.True(longer is null && isPrivate is null);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Agree_KeysOfOtherSpecs_AreRefused(string spec)
    {
        var algorithm = Find(spec);
        using var material = await algorithm.NewMaterial();
        foreach (var other in KeyAlgorithms.All.Where(a => a.Spec != spec && AlgorithmRegistry.Of(a.Spec).HasPublicPart))
        {
            var theirs = other.PublicPart(await AlgorithmRegistry.Material(other.Spec, 0))!;
            using var secret = Agree(algorithm, material.Span, theirs);
            Assert.Null(secret);
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task OpenSsl_AgreesOnTheSame(string spec)
    {
        var algorithm = Find(spec);
        using var material = await algorithm.NewMaterial();
        var (ours, theirs, theirPublic, pkcs8) = (Path("ours.der"), Path("theirs.der"), Path("theirs-public.der"), Path("theirs-pkcs8.der"));
        string[] kind = spec == "X25519"
            ? ["-algorithm", "X25519"]
            : ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + spec.Replace("ECC_NIST_P", "P-", StringComparison.Ordinal), "-pkeyopt", "ec_param_enc:named_curve"];
        await OpenSsl.Run([], ["genpkey", .. kind, "-outform", "DER", "-out", theirs]);
        await OpenSsl.Run([], "pkey", "-inform", "DER", "-in", theirs, "-pubout", "-outform", "DER", "-out", theirPublic);
        await OpenSsl.Run([], "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-in", theirs, "-outform", "DER", "-out", pkcs8);
        await File.WriteAllBytesAsync(ours, algorithm.PublicPart(material.Span)!);
        var expected = await OpenSsl.Run([], "pkeyutl", "-derive", "-keyform", "DER", "-inkey", theirs, "-peerform", "DER", "-peerkey", ours);
        var (peer, peerPrivate) = (await File.ReadAllBytesAsync(theirPublic), await File.ReadAllBytesAsync(pkcs8));
        using var secret = Agree(algorithm, material.Span, peer);
        Assert.Equal(expected, secret!.Span.ToArray());

        // What openssl made is good material here, and the other way round.
        Assert.True(algorithm.Accepts(peerPrivate));
        var imported = await OpenSsl.Run(material.Span.ToArray(), "pkey", "-inform", "DER", "-pubout", "-outform", "DER");
        Assert.Equal(algorithm.PublicPart(material.Span), imported);
    }

    // RFC 7748, 6.1, is among them. Those of low order lead to a secret of zeros, which is refused; keys on the twist and
    // non-canonical ones are accepted, as RFC 7748, 5 says.
    [Fact]
    public void Wycheproof_X25519_EveryCase_IsAsItSays()
    {
        var algorithm = Find("X25519");
        using var vectors = new WycheproofFile("x25519_asn_test.json");
        foreach (var c in vectors.Cases())
        {
            var isOurs = algorithm.Accepts(c.Bytes("private"));
            using var secret = isOurs ? Agree(algorithm, c.Bytes("private"), c.Bytes("public")) : null;
            var isRefused = c.IsValid == false || c.Has("ZeroSharedSecret");
            Assert.True(isRefused ? secret is null : secret!.Span.SequenceEqual(c.Bytes("shared")), c.ToString());
        }
    }

    // Acceptable are compressed points, curves that the key describes itself, and sloppy DER: all of it is refused.
    [Fact]
    public void Wycheproof_P256_EveryCase_IsAsItSays()
    {
        using var vectors = new WycheproofFile("ecdh_secp256r1_test.json");
        foreach (var c in vectors.Cases())
        {
            using var secret = Agree(Find("ECC_NIST_P256"), Pkcs8(ECCurve.NamedCurves.nistP256, c, 32), c.Bytes("public"));
            Assert.True(c.IsValid == true ? secret!.Span.SequenceEqual(c.Bytes("shared")) : secret is null, c.ToString());
        }
    }

    [Theory]
    [InlineData("ECC_NIST_P384", "ecdh_secp384r1_ecpoint_test.json", "1.3.132.0.34", 48)]
    [InlineData("ECC_NIST_P521", "ecdh_secp521r1_ecpoint_test.json", "1.3.132.0.35", 66)]
    public void Wycheproof_Points_EveryCase_IsAsItSays(string spec, string file, string curve, int fieldLength)
    {
        using var vectors = new WycheproofFile(file);
        foreach (var c in vectors.Cases())
        {
            using var secret = Agree(Find(spec), Pkcs8(ECCurve.CreateFromValue(curve), c, fieldLength), EcPublicKey.Spki(curve, c.Bytes("public")));
            Assert.True(c.IsValid == true ? secret!.Span.SequenceEqual(c.Bytes("shared")) : secret is null, c.ToString());
        }
    }

    // RFC 5903, 8.1.
    [Fact]
    public void Rfc5903_P256_Holds()
    {
        var one = Convert.FromHexString("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433");
        var other = Convert.FromHexString("04D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
            + "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB");
        using var secret = Agree(Find("ECC_NIST_P256"), Pkcs8(ECCurve.NamedCurves.nistP256, one), EcPublicKey.Spki("1.2.840.10045.3.1.7", other));
        Assert.Equal("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE", Convert.ToHexString(secret!.Span));
    }

    // In the encoding of SEC 1, 2.3.3, infinity is one byte of zero; it also tries as many zeros as a point has.
    [Theory]
    [InlineData(1)]
    [InlineData(65)]
    public async Task Agree_Infinity_IsRefused(int length)
    {
        using var material = await Find("ECC_NIST_P256").NewMaterial();
        var infinity = new byte[length];
        infinity[0] = length == 1 ? (byte)0 : (byte)4;
        using var secret = Agree(Find("ECC_NIST_P256"), material.Span, EcPublicKey.Spki("1.2.840.10045.3.1.7", infinity));
        Assert.Null(secret);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public async Task Dispose_Twice_EndsTheKey(string spec)
    {
        var algorithm = Find(spec);
        using var material = await algorithm.NewMaterial();
        var version = algorithm.Open(KeyUsage.KeyAgreement, "k", 1, material.Span).Require<IAgrees>();
        version.Dispose();
        version.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await version.Agree(algorithm.PublicPart(material.Span)));
    }

    private static SecretBytes? Agree(KeyAlgorithm algorithm, ReadOnlySpan<byte> material, ReadOnlySpan<byte> publicKey)
    {
        using var version = algorithm.Open(KeyUsage.KeyAgreement, "k", 1, material);
        return version.Require<IAgrees>().Agree(publicKey.ToArray()).AsTask().GetAwaiter().GetResult();
    }

    private static KeyAlgorithm Find(string spec)
    {
        Assert.True(KeyAlgorithms.TryFind(spec, out var algorithm));
        return algorithm;
    }

    private static byte[] Pkcs8(ECCurve curve, WycheproofCase c, int fieldLength)
    {
        // It is a number, with a zero in front or without.
        var number = c.Bytes("private").AsSpan().TrimStart((byte)0);
        var scalar = new byte[fieldLength];
        number.CopyTo(scalar.AsSpan(fieldLength - number.Length));
        return Pkcs8(curve, scalar);
    }

    private static byte[] Pkcs8(ECCurve curve, byte[] scalar)
    {
        using var key = ECDiffieHellman.Create(new ECParameters { Curve = curve, D = scalar });
        return key.ExportPkcs8PrivateKey();
    }

    private string Path(string name) => System.IO.Path.Combine(_directory.FullName, name);
}
