using System.Diagnostics;
using System.Security.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Signatures against the command <c>openssl</c>, both ways: it verifies ours, and we verify, with its keys, what it signs.</summary>
public sealed class OpenSslSignatureTests : IDisposable
{
    private static readonly byte[] _message = "between two implementations"u8.ToArray();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-openssl-");

    [Theory]
    [InlineData("ECC_NIST_P256", "ECDSA_SHA_256", "EC -pkeyopt ec_paramgen_curve:P-256", "sha256", "")]
    [InlineData("ECC_NIST_P384", "ECDSA_SHA_384", "EC -pkeyopt ec_paramgen_curve:P-384", "sha384", "")]
    [InlineData("ECC_NIST_P521", "ECDSA_SHA_512", "EC -pkeyopt ec_paramgen_curve:P-521", "sha512", "")]
    [InlineData("ECC_SECG_P256K1", "ECDSA_SHA_256", "EC -pkeyopt ec_paramgen_curve:secp256k1", "sha256", "")]
    [InlineData("RSA_2048", "RSASSA_PSS_SHA_256", "RSA -pkeyopt rsa_keygen_bits:2048", "sha256", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest")]
    [InlineData("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", "RSA -pkeyopt rsa_keygen_bits:2048", "sha512", "")]
    [InlineData("RSA_3072", "RSASSA_PSS_SHA_384", "RSA -pkeyopt rsa_keygen_bits:3072", "sha384", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest")]
    public async Task OpenSsl_VerifiesOurs_AndWeVerifyItsOwn(string spec, string algorithm, string kind, string hash, string options)
    {
        await File.WriteAllBytesAsync(At("message"), _message);
        var item = new SignItem(_message, Algorithm: algorithm);
        using (var ours = await SignaturePair.Make(spec))
        {
            await File.WriteAllBytesAsync(At("signature"), await ours.Sign(item));
            await File.WriteAllTextAsync(At("public.pem"), PemEncoding.WriteString("PUBLIC KEY", ours.PublicPart));
            Assert.Contains("Verified OK", await OpenSsl($"dgst -{hash} -verify public.pem {options} -signature signature message"), StringComparison.Ordinal);
        }

        await OpenSsl($"genpkey -algorithm {kind} -out key.pem");
        await OpenSsl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
        using var theirs = SignaturePair.From(SignaturePair.Of(spec), await File.ReadAllBytesAsync(At("key.der")));

        // ECDSA on secp256k1 is half of the time with the higher s, which is not taken.
        for (var tries = 0; ; tries++)
        {
            await OpenSsl($"dgst -{hash} -sign key.pem {options} -out signature message");
            if (theirs.Verify(item, await File.ReadAllBytesAsync(At("signature")))) return;
            Assert.True(spec == "ECC_SECG_P256K1" && tries < 100);
        }
    }

    [Fact]
    public async Task Ed25519_OpenSsl_MakesTheSame()
    {
        await File.WriteAllBytesAsync(At("message"), _message);
        var item = new SignItem(_message);
        await OpenSsl("genpkey -algorithm ED25519 -outform DER -out key.der");
        using var pair = SignaturePair.From(SignaturePair.Of("ED25519"), await File.ReadAllBytesAsync(At("key.der")));
        await OpenSsl("pkeyutl -sign -rawin -in message -inkey key.der -keyform DER -out signature");
        var signature = await File.ReadAllBytesAsync(At("signature"));
        Assert.Equal(signature, await pair.Sign(item));
        Assert.True(pair.Verify(item, signature));
        await File.WriteAllTextAsync(At("public.pem"), PemEncoding.WriteString("PUBLIC KEY", pair.PublicPart));
        Assert.Contains("Signature Verified", await OpenSsl("pkeyutl -verify -rawin -in message -pubin -inkey public.pem -sigfile signature"), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string At(string file) => Path.Combine(_folder.FullName, file);

    private async Task<string> OpenSsl(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"openssl {arguments}: {await output}{await errors}");
        return await output;
    }
}
