using OrleansKms.Silo.Verbs;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>The verbs for keys, versions, aliases and backups.</summary>
public sealed class KeyVerbTests(DefaultApi api) : VerbTest(api)
{
    [Fact]
    public async Task Key_IsCreated_Shown_Changed_AndListed()
    {
        var id = await NewKey("--tag team=shop --tag tier=1 --rotate-every P90D --rotate-after-uses 1000 --limit 50/PT1M --limit 5/P1D/keys:rotate");
        var json = (await Okms($"keys show {id} --json")).Json;
        Assert.Equal(("shop", "P90D", 1000, 2), ((string?)json["tags"]!["team"], (string?)json["rotation"]!["every"], (int)json["rotation"]!["after_uses"]!, json["limits"]!.AsArray().Count));
        var shown = (await Okms($"keys show {id}")).Output;
        foreach (var part in (string[])[id, "AES_256_GCM", "team=shop, tier=1", "every P90D, after 1000 uses", "50/PT1M, 5/P1D/keys:rotate", "never", "primary"]) Assert.Contains(part, shown, StringComparison.Ordinal);

        Assert.Equal($"changed {id}", (await Shell().Run("keys", "update", id, "--description", "orders\u001b[2J\nat rest", "--clear", "rotation", "--clear", "tags")).Is(0).Line);
        shown = (await Okms($"keys show {id}")).Output;
        Assert.Contains("description  orders\\u{1b}[2J\\nat rest\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("P90D", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("tags", shown, StringComparison.Ordinal);
        Assert.Contains("nothing to change", await Fails(ExitCode.Usage, $"keys update {id}"), StringComparison.Ordinal);
        Assert.Contains("cannot be cleared", await Fails(ExitCode.Usage, $"keys update {id} --clear id"), StringComparison.Ordinal);
        Assert.Contains("is not NAME=VALUE", await Fails(ExitCode.Usage, "keys create --tag x"), StringComparison.Ordinal);
        Assert.Contains("is not COUNT/PER", await Fails(ExitCode.Usage, "keys create --limit x/PT1H"), StringComparison.Ordinal);
        Assert.StartsWith("okms: invalid_parameter: ", await Fails(ExitCode.Refused, "keys create --limit 1/x"), StringComparison.Ordinal);

        Assert.Equal(id, (await Okms($"keys list --prefix {id} --ids")).Line);
        Assert.Contains($"{id}  AES_256_GCM  encrypt_decrypt  enabled", (await Okms($"keys list --prefix {id}")).Output, StringComparison.Ordinal);
        Assert.Equal("", (await Okms($"keys list --prefix {id} --state disabled")).Output);
        Assert.Equal(id, (string?)Assert.Single((await Okms($"keys list --prefix {id} --json")).Json["keys"]!.AsArray())!["id"]);
        Assert.Contains("created ", (await Okms("keys create")).Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_LivesAndEnds()
    {
        var id = await NewKey();
        Assert.Equal($"rotated {id}: its primary version is 2. Old ciphertexts still decrypt; okms rewrap moves them to the new version.", (await Okms($"keys rotate {id}")).Line);
        Assert.Contains("is disabled", (await Okms($"keys disable {id}")).Line, StringComparison.Ordinal);
        Assert.StartsWith($"okms: key_disabled: ", await Fails(ExitCode.Refused, $"encrypt {id} x"), StringComparison.Ordinal);
        Assert.Equal($"{id} is enabled", (await Okms($"keys enable {id}")).Line);

        Assert.Equal($"version 1 of {id} is disabled", (await Okms($"keys versions disable {id} 1")).Line);
        Assert.Equal($"version 1 of {id} is enabled", (await Okms($"keys versions enable {id} 1")).Line);
        Assert.Contains("--yes", await Fails(ExitCode.Usage, $"keys versions destroy {id} 1"), StringComparison.Ordinal);
        Assert.Contains("unusable now", (await Okms($"keys versions destroy {id} 1 --yes --after P1D")).Line, StringComparison.Ordinal);
        Assert.Contains("pending_destruction", (await Okms($"keys versions list {id}")).Output, StringComparison.Ordinal);
        Assert.Contains("is kept, and disabled", (await Okms($"keys versions cancel-destroy {id} 1")).Line, StringComparison.Ordinal);
        Assert.StartsWith("okms: conflict: ", await Fails(ExitCode.Refused, $"keys versions destroy {id} 2 --yes"), StringComparison.Ordinal);

        (await Shell(isTerminal: true, typed: id).Run("keys", "delete", id, "--after", "P2D")).Is(0);
        Assert.StartsWith("okms: key_pending_deletion: ", await Fails(ExitCode.Refused, $"encrypt {id} x"), StringComparison.Ordinal);
        Assert.Contains("okms keys enable", (await Okms($"keys cancel-delete {id}")).Line, StringComparison.Ordinal);
        (await Shell(isTerminal: true, typed: "no").Run("keys", "delete", id)).Is(ExitCode.Usage);
        Assert.Contains("  disabled", (await Okms($"keys list --prefix {id}")).Output, StringComparison.Ordinal);

        var history = (await Okms($"keys history {id}")).Output;
        Assert.Contains("keys:schedule-deletion", history, StringComparison.Ordinal);
        Assert.True((bool)(await Okms($"keys history {id} --json --limit 1")).Json["verified"]!);
        Assert.StartsWith("okms: key_not_found: There is no key with this id. List the keys", await Fails(ExitCode.NotFound, $"keys show {id}x"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_TellsWhichKeysCannotBeUsed()
    {
        var (good, bad) = (await NewKey(), await NewKey());
        (await Okms($"keys validate {good}")).Is(0);
        await Okms($"keys disable {bad}");
        var result = (await Shell().Run("keys", "validate", good, bad)).Is(ExitCode.Refused);
        Assert.Contains($"{bad}  no", result.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await Shell().Run("keys", "validate", good, bad, "--json")).Is(ExitCode.Refused).Json["results"]!.AsArray().Count);
    }

    [Fact]
    public async Task Alias_ServesWhereverAnIdDoes()
    {
        var id = await NewKey();
        Assert.Equal($"alias:{id} stands for {id}", (await Okms($"alias set alias:{id} {id}")).Line);
        Assert.Contains($"key", (await Okms($"alias show {id}")).Output, StringComparison.Ordinal);
        Assert.Contains(id, (await Okms($"alias list --prefix {id}")).Output, StringComparison.Ordinal);
        foreach (var verb in (string[])["keys show alias:{0}", "keys rotate alias:{0}", "keys history alias:{0}", "keys backup alias:{0}", "keys versions list alias:{0}", "encrypt alias:{0} x", "datakey alias:{0}", "keys validate alias:{0}"])
        {
            await Okms(string.Format(null, verb, id));
        }

        Assert.Contains("--yes", await Fails(ExitCode.Usage, $"alias delete {id}"), StringComparison.Ordinal);
        await Okms($"alias delete {id} --yes");
        Assert.StartsWith("okms: alias_not_found: ", await Fails(ExitCode.NotFound, $"alias show {id}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unused_ListsWhatNothingHasUsed()
    {
        var (used, unused) = (await NewKey(), await NewKey());
        await Okms($"encrypt {used} x");
        var listed = (await Okms("unused --since PT0S --prefix t-")).Output;
        Assert.Contains(unused, listed, StringComparison.Ordinal);
        Assert.DoesNotContain(unused, (await Okms("unused --since P90D --prefix t-")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain(used, (await Okms("unused --since PT1H --prefix t-")).Output, StringComparison.Ordinal);
        Assert.Contains("nor a time", await Fails(ExitCode.Usage, "unused --since soon"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_InEachForm_Restores()
    {
        var id = await NewKey();
        var base64 = await Okms($"keys backup {id}");
        var json = await Okms($"keys backup {id} --json");
        await Okms($"keys backup {id} --binary --out backup");
        Assert.Equal("okmb"u8.ToArray(), Read("backup")[..4]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("backup")));
        Assert.Contains("is not overwritten", await Fails(ExitCode.Usage, $"keys backup {id} --out backup"), StringComparison.Ordinal);
        foreach (var (arguments, input) in ((string, byte[])[])[("keys restore", base64.Bytes), ("keys restore -", json.Bytes), ("keys restore @backup", [])])
        {
            Assert.StartsWith("okms: key_exists: ", await Fails(ExitCode.Refused, arguments, input), StringComparison.Ordinal);
        }

        Assert.StartsWith("okms: invalid_backup: ", await Fails(ExitCode.Refused, "keys restore AQID"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LostKey_ComesBackFromItsBackup()
    {
        var (id, other) = (await NewKey(), await NewKey());
        var before = (await Okms($"encrypt {id} x")).Bytes;
        await Okms($"keys backup {id} --binary --out backup");
        await Api.Lose(id);
        Assert.StartsWith("okms: key_not_found: ", await Fails(ExitCode.NotFound, $"keys show {id}"), StringComparison.Ordinal);
        Assert.StartsWith("okms: key_not_found: ", await Fails(ExitCode.NotFound, "decrypt", before), StringComparison.Ordinal);
        await Okms($"keys show {other}");

        var primary = (int)(await Okms("keys restore @backup --json")).Json["primary_version"]!;
        Assert.True(primary > 1);
        Assert.Equal("x", (await Okms("decrypt", before)).Line);
        var after = await Okms($"encrypt {id} y --json");
        Assert.Equal((id, primary), ((string?)after.Json["key_id"], (int)after.Json["key_version"]!));
        Assert.Equal("y", (await Okms("decrypt", after.Bytes)).Line);
        Assert.Contains("keys:restore", (await Okms($"keys history {id}")).Output, StringComparison.Ordinal);
        Assert.StartsWith("okms: key_exists: ", await Fails(ExitCode.Refused, "keys restore @backup"), StringComparison.Ordinal);

        await Api.Lose(id);
        Assert.StartsWith($"restored {id}: what came back decrypts and verifies, and version ", (await Okms("keys restore", Read("backup"))).Line, StringComparison.Ordinal);
        Assert.Equal("x", (await Okms("decrypt", before)).Line);
    }

    [Fact]
    public async Task PublicKey_IsPem_Jwk_OrDer()
    {
        var id = await NewKey("--spec ECC_NIST_P256");
        Assert.StartsWith("-----BEGIN PUBLIC KEY-----\n", (await Okms($"keys public-key {id}")).Output, StringComparison.Ordinal);
        Assert.Equal("P-256", (string?)(await Okms($"keys public-key {id} --jwk")).Json["crv"]);
        Assert.Equal(0x30, (await Okms($"keys public-key {id} --der --key-version 1")).Bytes[0]);
        Assert.Equal(id, (string?)(await Okms($"keys public-key {id} --json")).Json["key_id"]);
        await Fails(ExitCode.Refused, $"keys public-key {await NewKey()}");
        Assert.Contains("still verify", (await Okms($"keys rotate {id}")).Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Policy_OfAKey_IsSet_Shown_AndRemoved()
    {
        var id = await NewKey();
        var policy = """{"statements":[{"effect":"allow","actions":["*"]}]}""";
        await Okms($"keys policy set {id}", System.Text.Encoding.UTF8.GetBytes(policy));
        Assert.Contains("allow", (await Okms($"keys policy show {id}")).Output, StringComparison.Ordinal);
        var json = await Okms($"keys policy show {id} --json");
        await Okms($"keys policy set {id} -", json.Bytes);
        await Okms($"keys policy remove {id} --yes");
        Assert.StartsWith("okms: policy_not_found: ", await Fails(ExitCode.NotFound, $"keys policy show {id}"), StringComparison.Ordinal);
        Assert.Contains("is not JSON", await Fails(ExitCode.Usage, $"keys policy set {id} {{"), StringComparison.Ordinal);
    }
}
