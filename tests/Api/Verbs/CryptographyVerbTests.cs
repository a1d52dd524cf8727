using System.Security.Cryptography;
using System.Text;
using OrleansKms.Silo.Verbs;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>The verbs that use keys.</summary>
public sealed class CryptographyVerbTests(DefaultApi api) : VerbTest(api)
{
    [Theory]
    [InlineData("")]
    [InlineData("--binary")]
    [InlineData("--json")]
    public async Task Decrypt_TakesWhateverEncryptPrinted(string form)
    {
        var id = await NewKey();
        var plaintext = RandomNumberGenerator.GetBytes(257);
        Secret("plaintext", plaintext);
        var printed = (await Okms($"encrypt {id} {form}".TrimEnd(), plaintext)).Bytes;
        Assert.Equal(plaintext, (await Okms("decrypt", printed)).Bytes);
        Secret("ciphertext", printed);
        Assert.Equal(plaintext, (await Okms($"decrypt @ciphertext --key {id}")).Bytes);
        Assert.Equal(Convert.ToBase64String(plaintext), (await Okms("decrypt --base64 -", printed)).Line);
        await Okms("decrypt @ciphertext --out decrypted");
        Assert.Equal(plaintext, Read("decrypted"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("decrypted")));
        Assert.Equal("data", (string?)(await Okms("decrypt @ciphertext --json")).Json["kind"]);

        // What comes from rewrapping is a ciphertext as well, without a key's name given.
        await Okms($"keys rotate {id}");
        var moved = (await Okms(("rewrap-one @ciphertext " + form.Replace("--json", "--binary", StringComparison.Ordinal)).TrimEnd())).Bytes;
        Assert.Equal(plaintext, (await Okms("decrypt", moved)).Bytes);
        var other = await NewKey();
        moved = (await Okms($"reencrypt {other} @ciphertext --new-aad x")).Bytes;
        Assert.Equal(plaintext, (await Okms($"decrypt --key {other} --aad x", moved)).Bytes);
        Assert.StartsWith("okms: invalid_ciphertext: ", await Fails(ExitCode.Refused, $"decrypt --key {id} --aad x", moved), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AssociatedData_MustBeTheSame_InWhateverForm()
    {
        var id = await NewKey();
        Secret("aad", "order=1");
        var ciphertext = (await Okms($"encrypt {id} hello --aad order=1")).Line;
        foreach (var same in (string[])["order=1", "@aad", "base64:b3JkZXI9MQ==", "hex:6f726465723d31"]) Assert.Equal("hello", (await Okms($"decrypt {ciphertext} --aad {same}")).Output);
        Assert.Equal("okms: invalid_ciphertext: The ciphertext cannot be decrypted with this key and associated data. Is it whole, and is --aad what it was encrypted with?",
            await Fails(ExitCode.Refused, $"decrypt {ciphertext}"));
        Assert.Contains("only one", await Fails(ExitCode.Usage, $"encrypt {id} - --aad -", [1]), StringComparison.Ordinal);
        Assert.StartsWith("okms: payload_too_large: ", await Fails(ExitCode.Refused, $"encrypt {id}", new byte[100_000]), StringComparison.Ordinal);
        Assert.StartsWith("okms: invalid_parameter: ", await Fails(ExitCode.Refused, $"encrypt {id}", []), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BareCiphertext_OfRsa_GoesWithItsVersion()
    {
        var id = await NewKey("--spec RSA_2048 --usage encrypt_decrypt");
        var result = await Okms($"encrypt {id} hello --bare --binary");
        Assert.Equal((256, "Keep the version with it: --key-version 1\n"), (result.Bytes.Length, result.Errors));
        Assert.Equal("hello", (await Okms($"decrypt --key {id} --bare --key-version 1", result.Bytes)).Output);
        Assert.Contains("need --key", await Fails(ExitCode.Usage, "decrypt --bare", result.Bytes), StringComparison.Ordinal);
        var oaep = await Okms($"encrypt {id} hello --algorithm RSAES_OAEP_SHA_1");
        Assert.Equal("hello", (await Okms("decrypt", oaep.Bytes)).Output);
    }

    [Fact]
    public async Task DataKeys_AreInTheClearAndEncrypted()
    {
        var id = await NewKey();
        await Okms($"datakey {id} --bytes 48 --plaintext-out key --aad x");
        Assert.Equal(48, Read("key").Length);
        var sealedKey = (await Okms($"datakey {id} --no-plaintext")).Output;
        Assert.DoesNotContain("plaintext", sealedKey, StringComparison.Ordinal);
        Assert.Equal(32, (await Okms("decrypt " + sealedKey.Split(' ')[^1].Trim())).Bytes.Length);
        Assert.Contains("plaintext   ", (await Okms($"datakey {id}")).Output, StringComparison.Ordinal);

        await Okms($"datakey-pair {id} ED25519 --private-key-out pair.pem");
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----", Encoding.ASCII.GetString(Read("pair.pem")), StringComparison.Ordinal);
        await OpenSsl.Run(Read("pair.pem"), "pkey", "-noout");
        Assert.Null((await Okms($"datakey-pair {id} X25519 --no-plaintext --json")).Json["private_key"]);
    }

    [Fact]
    public async Task Signature_InEachForm_IsVerified()
    {
        var id = await NewKey("--spec ECC_NIST_P256");
        var message = RandomNumberGenerator.GetBytes(1000);
        Secret("message", message);
        Secret("signature", (await Okms($"sign {id} @message --binary")).Bytes);
        Assert.Equal($"valid, by version 1 of {id}", (await Okms($"verify {id} @message --signature @signature")).Line);
        var line = (await Okms($"sign {id} --encoding p1363", message)).Line;
        await Okms($"verify {id} @message --signature {line} --encoding p1363 --key-version 1");
        Assert.Equal("not valid", (await Shell().Run("verify", id, "other", "--signature", "@signature")).Is(ExitCode.Refused).Line);
        Assert.False((bool)(await Shell().Run("verify", id, "other", "--signature", "@signature", "--json")).Is(ExitCode.Refused).Json["valid"]!);

        // Larger than any request: hashed here.
        Secret("large", new byte[3_000_000]);
        var large = (await Okms($"sign {id} @large --hash sha256")).Line;
        await Okms($"verify {id} @large --hash sha256 --signature {large}");
        var digest = Convert.ToHexString(SHA256.HashData(new byte[3_000_000]));
        await Okms($"verify {id} --digest hex:{digest} --signature {large}");
        Assert.StartsWith("okms: payload_too_large: ", await Fails(ExitCode.Refused, $"sign {id} @large"), StringComparison.Ordinal);
        Assert.Contains("instead of a message", await Fails(ExitCode.Usage, $"sign {id} x --digest hex:00"), StringComparison.Ordinal);
        Assert.Contains("--signature", await Fails(ExitCode.Usage, $"verify {id} x"), StringComparison.Ordinal);
        Assert.StartsWith("okms: wrong_key_usage: ", await Fails(ExitCode.Refused, $"encrypt {id} x"), StringComparison.Ordinal);

        var lattice = await NewKey("--spec ML_DSA_44");
        var withContext = (await Okms($"sign {lattice} x --context v1")).Line;
        await Okms($"verify {lattice} x --context hex:7631 --signature {withContext}");
    }

    [Fact]
    public async Task Mac_IsVerified_WholeOnly()
    {
        var id = await NewKey("--spec HMAC_256");
        var mac = (await Okms($"mac make {id} hello")).Line;
        Assert.Equal($"valid, by version 1 of {id}", (await Okms($"mac verify {id} hello --mac {mac}")).Line);
        Secret("mac", Convert.FromBase64String(mac));
        await Okms($"mac verify {id} --mac @mac", "hello"u8.ToArray());
        (await Shell().Run("mac", "verify", id, "other", "--mac", "@mac")).Is(ExitCode.Refused);
        Assert.Contains("still verify", (await Okms($"keys rotate {id}")).Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_AreDerived_AgreedOn_AndEncapsulated()
    {
        var id = await NewKey("--spec HKDF_256");
        var derived = (await Okms($"derive {id} --context tenant=42 --bytes 16")).Line;
        Assert.Equal(16, Convert.FromBase64String(derived).Length);
        await Okms($"keys rotate {id}");
        Assert.Equal(derived, (await Okms($"derive {id} --context tenant=42 --bytes 16 --key-version 1")).Line);

        var agreement = await NewKey("--spec X25519");
        Secret("theirs.der", await OpenSsl.Run([], "genpkey", "-algorithm", "X25519", "-outform", "DER"));
        Secret("theirs.pub", await OpenSsl.Run(Read("theirs.der"), "pkey", "-inform", "DER", "-pubout"));
        Secret("theirs.pub.der", await OpenSsl.Run(Read("theirs.der"), "pkey", "-inform", "DER", "-pubout", "-outform", "DER"));
        Secret("ours.pub", (await Okms($"keys public-key {agreement}")).Bytes);
        var secret = (await Okms($"derive {agreement} --public-key @theirs.pub --bare --binary")).Bytes;
        Assert.Equal(secret, (await Okms($"derive {agreement} --public-key @theirs.pub.der --bare --binary")).Bytes);
        Assert.Equal(secret, await OpenSsl.Run([], "pkeyutl", "-derive", "-keyform", "DER", "-inkey", PathOf("theirs.der"), "-peerkey", PathOf("ours.pub")));

        var kem = await NewKey("--spec ML_KEM_768");
        var made = await Okms($"encapsulate {kem} --json");
        await Okms($"keys rotate {kem}");
        Assert.Equal((string?)made.Json["shared_secret"], (await Okms($"decapsulate {kem}", made.Bytes)).Line);
        Assert.NotEqual((string?)made.Json["shared_secret"], (await Okms($"decapsulate {kem} {made.Json["ciphertext"]}")).Line);
        await Okms($"encapsulate {kem} --secret-out secret");
        Assert.Equal(32, Read("secret").Length);

        Assert.Equal(32, Convert.FromBase64String((await Okms("random")).Line).Length);
        Assert.Equal(7, (await Okms("random 7 --binary")).Bytes.Length);
    }

    [Fact]
    public async Task Token_IsSigned_ByteForByte()
    {
        var id = await NewKey("--spec ED25519 --usage jws");
        var claims = "{ \"sub\":\"é\\u0041\",\n \"n\": 1.50 }";
        var token = (await Okms($"jws {id} --claims - --typ JWT", Encoding.UTF8.GetBytes(claims))).Line.Split('.');
        Assert.Equal(3, token.Length);
        Assert.Equal(claims, Encoding.UTF8.GetString(VerbInput.Decode(token[1])!));
        Assert.Equal("payload", Encoding.UTF8.GetString(VerbInput.Decode((await Okms($"jws {id} payload")).Line.Split('.')[1])!));
        Assert.Equal($"{id}.1", (string?)(await Okms($"jwks --prefix {id}")).Json["keys"]![0]!["kid"]);
        Assert.Contains("not a JSON object", await Fails(ExitCode.Usage, $"jws {id} --claims []"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AES_256_GCM", "symmetric")]
    [InlineData("RSA_2048", "rsa")]
    [InlineData("ECC_NIST_P256", "ec")]
    [InlineData("ED25519", "ed25519")]
    public async Task Material_IsImported_AndExportedAsItWas(string spec, string kind)
    {
        Secret("own", kind switch
        {
            "rsa" => await OpenSsl.Run([], "genrsa", "-traditional", "2048"),
            "ec" => await OpenSsl.Run([], "ecparam", "-name", "prime256v1", "-genkey"),
            "ed25519" => await OpenSsl.Run([], "genpkey", "-algorithm", "ED25519"),
            _ => RandomNumberGenerator.GetBytes(32),
        });
        var id = Tests.Api.Api.NewId();
        Assert.Contains("okms keys import", (await Okms($"keys create {id} --spec {spec} --origin external --exportable")).Line, StringComparison.Ordinal);
        Assert.Equal($"imported version 1 of {id}, which is its primary one", (await Okms($"keys import {id} own")).Line);
        Assert.Contains("--out FILE", await Fails(ExitCode.Usage, $"keys export {id}"), StringComparison.Ordinal);
        Assert.Equal($"exported version 1 of {id} to exported", (await Okms($"keys export {id} --out exported")).Line);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("exported")));
        if (kind == "symmetric") Assert.Equal(Read("own"), Read("exported"));
        else Assert.Equal(await OpenSsl.Run(Read("own"), "pkey", "-pubout"), await OpenSsl.Run(Read("exported"), "pkey", "-pubout"));
        if (kind == "rsa")
        {
            Secret("public", await OpenSsl.Run(Read("own"), "pkey", "-pubout"));
            File.SetUnixFileMode(PathOf("public"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
            await Okms($"keys export {id} --for public --out wrapped");
            Assert.True(Read("wrapped").Length > 256 + 16);
            await Okms($"keys import {id} public");
        }

        File.SetUnixFileMode(PathOf("own"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Contains("Others may read", await Fails(ExitCode.Usage, $"keys import {id} own"), StringComparison.Ordinal);
    }
}
