using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Files;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Unit.Verbs;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>encrypt-file and decrypt-file against a service.</summary>
public sealed class FileVerbTests(DefaultApi api) : VerbTest(api)
{
    [Theory]
    [InlineData(0, "aes-256-gcm")]
    [InlineData(1, "chacha20-poly1305")]
    [InlineData(65536, "aes-256-gcm")]
    [InlineData(200_001, "chacha20-poly1305")]
    public async Task File_ThereAndBack(int length, string cipher)
    {
        var key = await NewKey();
        var content = Written("report.pdf", length);
        var encrypted = await Run("encrypt-file", "report.pdf", "--recipient", key, "--cipher", cipher);
        Assert.Equal((0, ""), (encrypted.Code, encrypted.Errors));
        Assert.Contains($"{key} (version 1)", encrypted.Output, StringComparison.Ordinal);
        File.Delete(Of("report.pdf"));
        Assert.Equal(0, (await Run("decrypt-file", "report.pdf.okms")).Code);
        Assert.Equal(content, File.ReadAllBytes(Of("report.pdf")));
        Assert.Equal(["report.pdf", "report.pdf.okms"], Names());
    }

    [Fact]
    public async Task StandardInputAndOutput_AreAFileToo()
    {
        var key = await NewKey();
        var content = RandomNumberGenerator.GetBytes(100_000);
        var encrypted = (await Shell().Run(["encrypt-file", "--recipient", key, "--aad", "tape 7"], content)).Is(0).Bytes;
        Assert.Equal(content, (await Shell().Run(["decrypt-file", "-", "--aad", "tape 7"], encrypted)).Is(0).Bytes);
        Assert.Contains("other associated data", (await Shell().Run(["decrypt-file", "--aad", "tape 8"], encrypted)).Fails(ExitCode.Refused), StringComparison.Ordinal);
        Assert.Contains("terminal", (await Shell(isTerminal: true).Run(["encrypt-file", "--recipient", key], content)).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Empty(Names());
    }

    [Fact]
    public async Task AnyOfItsKeys_OpensAFile_AlsoAfterARotation()
    {
        var (one, two) = (await NewKey(), await NewKey());
        var alias = Tests.Api.Api.NewId();
        (await Api.Put($"/v1/aliases/{alias}", new { key_id = two })).Is(HttpStatusCode.OK);
        var content = Written("f", 70_000);
        var made = await Run("encrypt-file", "f", "--recipient", one, "--recipient", "alias:" + alias, "--aad", "x", "--json");
        Assert.Equal([one, two], JsonNode.Parse(made.Output)!["recipients"]!.AsArray().Select(r => (string)r!["key_id"]!));
        (await Api.Post($"/v1/keys/{two}/rotate")).Is(HttpStatusCode.OK);
        foreach (var (enabled, opens) in (((bool, bool), bool)[])[((true, true), true), ((false, true), true), ((true, false), true), ((false, false), false)])
        {
            await Enable(one, enabled.Item1);
            await Enable(two, enabled.Item2);
            var opened = await Run("decrypt-file", "f.okms", "--out", "g", "--force");
            Assert.Equal(opens ? 0 : ExitCode.Refused, opened.Code);
            if (opens) Assert.Equal(content, File.ReadAllBytes(Of("g")));
            else Assert.Contains($"{one} (version 1): key_disabled", opened.Errors, StringComparison.Ordinal);
        }

        await Enable(two, true);
        var twice = await Run("encrypt-file", "f", "--out", "h", "--recipient", two, "--recipient", "alias:" + alias);
        Assert.Equal(ExitCode.Usage, twice.Code);
        Assert.Contains("the same key", twice.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Of("h")));
    }

    [Fact]
    public async Task ChangedFile_LeavesNoOutput_AndOnStandardOutputItsAuthenticBeginning()
    {
        var key = await NewKey();
        var content = Written("f", (2 * Payload.ChunkLength) + 10);
        await Run("encrypt-file", "f", "--recipient", key);
        var file = File.ReadAllBytes(Of("f.okms"));
        File.Delete(Of("f"));
        var chunks = file.Length - (2 * Payload.SealedLength) - 26;
        foreach (var (changed, released) in ((byte[], int)[])
        [
            (file[..^1], 2), (file[..(chunks + Payload.SealedLength)], 0), ([.. file, 0], 2), (Flipped(file, chunks + Payload.SealedLength), 1), (Flipped(file, chunks), 0),
            (Flipped(file, chunks - 1), 0), (Flipped(file, 20), 0), ("no such file"u8.ToArray(), 0),
        ])
        {
            File.WriteAllBytes(Of("f.okms"), changed);
            var opened = await Run("decrypt-file", "f.okms");
            Assert.Equal(ExitCode.Refused, opened.Code);
            Assert.StartsWith("okms: invalid_file: ", opened.Errors, StringComparison.Ordinal);
            Assert.Equal(["f.okms"], Names());

            var piped = await Shell().Run(["decrypt-file"], changed);
            Assert.Equal(content[..(released * Payload.ChunkLength)], piped.Is(released == 0 ? ExitCode.Refused : ExitCode.Part).Bytes);
        }
    }

    [Fact]
    public async Task OutputThatExists_IsReplacedOnlyIfToldSo_AndNothingIsAskedBefore()
    {
        var key = await NewKey();
        Written("f", 10);
        File.WriteAllText(Of("f.okms"), "mine");
        var (_, calls) = await Uses(key);
        var refused = await Run("encrypt-file", "f", "--recipient", key);
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Contains("--force", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(("mine", calls), (File.ReadAllText(Of("f.okms")), (await Uses(key)).Encrypt));
        Assert.Equal(0, (await Run("encrypt-file", "f", "--recipient", key, "--force")).Code);
        foreach (var arguments in (string[][])[["encrypt-file", "absent", "--recipient", key], ["encrypt-file", "f", "--out", "g"], ["decrypt-file", "f"], ["decrypt-file", "f.okms"], ["encrypt-file", ".", "--recipient", key, "--out", "g"]])
        {
            Assert.Equal(ExitCode.Usage, (await Run(arguments)).Code);
        }

        Assert.Equal(["f", "f.okms"], Names());
    }

    [Fact]
    public async Task KeyThatEncryptsNoFileKey_IsNoRecipient_InWhateverPlace()
    {
        Written("f", 10);
        var good = await NewKey();
        foreach (var (options, refused) in ((string, bool)[])
        [
            ("--spec RSA_2048 --usage encrypt_decrypt", true), ("--spec ED25519 --usage sign_verify", true), ("--spec HMAC_256 --usage mac", true),
            ("--spec HKDF_256 --usage derive", true), ("--spec AES_128_GCM --usage encrypt_decrypt", false),
        ])
        {
            var key = await NewKey(options);
            if (!refused)
            {
                Assert.Equal(0, (await Run("encrypt-file", "f", "--recipient", good, "--recipient", key)).Code);
                continue;
            }

            foreach (var recipients in (string[][])[["--recipient", key], ["--recipient", key, "--recipient", good], ["--recipient", good, "--recipient", key]])
            {
                foreach (var output in (string[])["f.okms", "-"])
                {
                    var line = (await Run(["encrypt-file", "f", .. recipients, "--out", output])).Fails(ExitCode.Refused);
                    Assert.Contains($": {key} cannot be a recipient: ", line, StringComparison.Ordinal);
                    Assert.EndsWith(" Recipients are symmetric keys for encryption.", line, StringComparison.Ordinal);
                    Assert.Equal(["f"], Names());
                }
            }
        }

        var disabled = await NewKey();
        await Enable(disabled, false);
        Assert.StartsWith(
            $"okms: key_disabled: {disabled} cannot be a recipient: ", (await Run("encrypt-file", "f", "--recipient", good, "--recipient", disabled, "--out", "g")).Fails(ExitCode.Refused),
            StringComparison.Ordinal);
        Assert.StartsWith($"okms: key_not_found: {good}x cannot be a recipient: ", (await Run("encrypt-file", "f", "--recipient", good + "x", "--out", "g")).Fails(ExitCode.NotFound), StringComparison.Ordinal);
        Assert.Equal(["f", "f.okms"], Names());
    }

    [Fact]
    public async Task CiphertextMadeForAnotherPurpose_IsNoFileKey()
    {
        // Whoever may have something encrypted elsewhere must not be able to make a file with it.
        var key = await NewKey();
        var bytes = RandomNumberGenerator.GetBytes(FileKey.Length);
        using var fileKey = FileKey.TryCopy(bytes)!;
        foreach (var associatedData in (byte[]?[])[null, "db"u8.ToArray(), "okms-file/1"u8.ToArray()])
        {
            var header = FileHeader.Make(fileKey, FileCipher.Aes256Gcm, "db"u8.ToArray(), new byte[32], [await Api.Encrypt(key, bytes, associatedData)]);
            var file = new MemoryStream();
            header.WriteTo(file);
            using var chunks = fileKey.OpenPayloadKey(header.Cipher, header.Salt);
            Payload.Encrypt(chunks, new MemoryStream([1]), file);
            Assert.Contains("invalid_ciphertext", (await Shell().Run(["decrypt-file"], file.ToArray())).Fails(ExitCode.Refused), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Policy_CanAllowSomeFilesAlone()
    {
        var (key, principal) = (await NewKey(), Tests.Api.Api.NewId());
        (await Api.Put($"/v1/policies/{principal}", new
        {
            statements = new object[] { new { effect = "allow", actions = new[] { "keys:decrypt" }, keys = new[] { key }, when = new { associated_data_prefix = "okms-file/1:db="u8.ToArray() } } },
        })).Is(HttpStatusCode.OK);
        (await Api.Post("/v1/principals", new { name = principal, policies = new[] { principal } })).Is(HttpStatusCode.Created);
        var token = (string)(await Api.Post($"/v1/principals/{principal}/tokens", new { })).Is(HttpStatusCode.Created).Json["token"]!;
        Written("f", 10);
        await Run("encrypt-file", "f", "--recipient", key, "--aad", "db=orders", "--out", "db.okms");
        await Run("encrypt-file", "f", "--recipient", key, "--aad", "mail", "--out", "mail.okms");
        Secret("token", token);
        Assert.Equal(0, (await Run("decrypt-file", "db.okms", "--token-file", "token")).Code);
        var denied = await Run("decrypt-file", "mail.okms", "--token-file", "token");
        Assert.Equal(ExitCode.Permission, denied.Code);
        Assert.Contains("permission_denied", denied.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Of("mail")));
    }

    [Theory]
    [InlineData("TERM", "encrypt-file")]
    [InlineData("KILL", "encrypt-file")]
    [InlineData("TERM", "decrypt-file")]
    [InlineData("KILL", "decrypt-file")]
    public async Task KilledInTheMiddle_NothingHasTheFinalName(string signal, string verb)
    {
        var key = await NewKey();
        var input = RandomNumberGenerator.GetBytes(3 * Payload.ChunkLength);
        if (verb == "decrypt-file") input = (await Shell().Run(["encrypt-file", "--recipient", key], input)).Is(0).Bytes;
        string[] arguments = verb == "encrypt-file" ? [verb, "-", "--recipient", key, "--out", "out"] : [verb, "-", "--out", "out"];
        using var process = StartProcess(Api.Http.BaseAddress!.AbsoluteUri, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        // More than is read ahead, and not all: the verb waits for the rest.
        await process.StandardInput.BaseStream.WriteAsync(input.AsMemory(0, input.Length - 5));
        await process.StandardInput.BaseStream.FlushAsync();
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (Names().Sum(name => new FileInfo(Of(name)).Length) < Payload.ChunkLength)
        {
            Assert.False(process.HasExited || patience.IsCancellationRequested, process.HasExited ? await errors : "no output");
            await Task.Delay(10);
        }

        Assert.StartsWith(WholeOutput.UnfinishedPrefix, Assert.Single(Names()), StringComparison.Ordinal);
        using (var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
        await process.WaitForExitAsync(patience.Token);
        Assert.NotEqual(0, process.ExitCode);
        Assert.False(File.Exists(Of("out")));
        Assert.Equal(signal == "KILL" ? 1 : 0, Names().Length);
    }

    private static byte[] Flipped(byte[] file, int at)
    {
        var changed = (byte[])file.Clone();
        changed[at] ^= 1;
        return changed;
    }

    private string Of(string name) => PathOf(name);

    private string[] Names() =>
        [.. Directory.GetFiles(PathOf("")).Select(path => Path.GetFileName(path)).Where(name => name is not ("admin" or "token")).Order(StringComparer.Ordinal)];

    private byte[] Written(string name, int length)
    {
        var content = RandomNumberGenerator.GetBytes(length);
        File.WriteAllBytes(Of(name), content);
        return content;
    }

    private Task<VerbResult> Run(params string[] arguments) => Shell().Run(arguments);

    private Task<Answer> Enable(string key, bool isEnabled) => Api.Post($"/v1/keys/{key}/{(isEnabled ? "enable" : "disable")}");

    private async Task<(long Decrypt, long Encrypt)> Uses(string key)
    {
        var uses = (await Api.Get($"/v1/keys/{key}")).Is(HttpStatusCode.OK).Json["uses"]!;
        return ((long)uses["decrypt"]!, (long)uses["encrypt"]!);
    }
}
