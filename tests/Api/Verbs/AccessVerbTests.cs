using System.Text;
using OrleansKms.Silo.Verbs;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>The verbs for principals, tokens, policies, approvals, limits and the installation; and who may call them.</summary>
public sealed class AccessVerbTests(DefaultApi api) : VerbTest(api)
{
    [Fact]
    public async Task Principal_SignsInByItsToken_AndMayWhatItsPoliciesSay()
    {
        var user = await SignUp("key-user");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf(user)));
        var me = (await Shell(user).Run("whoami")).Is(0).Output;
        Assert.Contains($"principal   {user}\n", me, StringComparison.Ordinal);
        Assert.Contains("policies    key-user\n", me, StringComparison.Ordinal);
        var key = await NewKey();
        (await Shell(user).Run("encrypt", key, "x")).Is(0);
        Assert.StartsWith("okms: permission_denied: ", (await Shell(user).Run("keys", "rotate", key)).Fails(ExitCode.Permission), StringComparison.Ordinal);

        Assert.Equal("allowed", (await Okms($"policy simulate {user} keys:encrypt {key}")).Output.Split('\n')[0]);
        Assert.Contains("no statement allows it", (await Shell().Run("policy", "simulate", user, "keys:rotate", key)).Is(ExitCode.Refused).Output, StringComparison.Ordinal);

        var policy = user + "-rotates";
        await Okms($"policy put {policy}", Encoding.UTF8.GetBytes($$"""[{"effect":"allow","actions":["keys:rotate"],"keys":["{{key}}"]}]"""));
        Assert.Contains("keys:rotate", (await Okms($"policy show {policy}")).Output, StringComparison.Ordinal);
        await Okms($"policy put {policy} -", (await Okms($"policy show {policy} --json")).Bytes);
        Assert.Contains(policy, (await Okms($"policy list --prefix {policy}")).Output, StringComparison.Ordinal);
        await Okms($"principal update {user} --policy key-user --policy {policy} --description shop");
        Assert.Contains("shop", (await Okms($"principal show {user}")).Output, StringComparison.Ordinal);
        Assert.Contains($"key-user, {policy}", (await Okms($"principal list --prefix {user}")).Output, StringComparison.Ordinal);
        Assert.StartsWith("okms: conflict: ", await Fails(ExitCode.Refused, $"policy delete {policy} --yes"), StringComparison.Ordinal);
        await Okms($"principal update {user} --clear policies");
        await Okms($"policy delete {policy} --yes");

        await Okms($"principal disable {user}");
        await Okms($"principal enable {user}");
        var token = (string)(await Okms($"token list {user} --json")).Json["tokens"]![0]!["id"]!;
        Assert.Contains(token, (await Okms($"token list {user}")).Output, StringComparison.Ordinal);
        Assert.Contains("--yes", await Fails(ExitCode.Usage, $"token revoke {user} {token}"), StringComparison.Ordinal);
        await Okms($"token revoke {user} {token} --yes");
        Assert.Equal("", (await Okms($"token list {user}")).Output);
        await Okms($"principal delete {user} --yes");
        Assert.StartsWith("okms: principal_not_found: ", await Fails(ExitCode.NotFound, $"principal show {user}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_IsPrintedOnce_AndAFileIsNotReplaced()
    {
        var name = "v-" + Guid.NewGuid().ToString("N");
        (await Shell().Run("principal", "create", name, "--jwt", "https://issuer.example subject-" + name, "--certificate", name + ".example", "--limit", "5/PT1M")).Is(0);
        var created = await Okms($"token create {name} --expires-in P1D");
        Assert.StartsWith("okms_", created.Line, StringComparison.Ordinal);
        Assert.Contains("it is shown only now", created.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(created.Line, created.Errors, StringComparison.Ordinal);
        Assert.Contains("is not overwritten", await Fails(ExitCode.Usage, $"token create {name} --out admin"), StringComparison.Ordinal);
        Assert.Single((await Okms($"token list {name} --json")).Json["tokens"]!.AsArray());
        Assert.Contains("an issuer, a space and a subject", await Fails(ExitCode.Usage, $"principal create {name}x --jwt https://issuer.example"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongToken_IsRefused_AndNotShown()
    {
        const string Wrong = "okms_wrongwrongwrongwrongwrongwrongwrongwrong";
        Secret("wrong", Wrong);
        var line = (await Shell("wrong").Run("keys", "list")).Fails(ExitCode.Permission);
        Assert.StartsWith("okms: unauthenticated: ", line, StringComparison.Ordinal);
        Assert.DoesNotContain(Wrong, line, StringComparison.Ordinal);
        (await Shell("wrong").Run("health")).Is(0);
    }

    [Fact]
    public async Task GuardedOperation_WaitsForApproval()
    {
        var (asker, approver) = (await SignUp("administrator"), await SignUp("administrator"));
        var key = await NewKey($"--exportable --approval {{\"operations\":[\"disable\",\"export\"],\"required\":1,\"approvers\":[\"{approver}\"]}}");
        var pending = (await Shell(asker).Run("keys", "disable", key)).Fails(ExitCode.Pending);
        Assert.StartsWith("okms: approval_pending: Nothing was done yet: disable of ", pending, StringComparison.Ordinal);
        var id = pending.Split(' ')[^1];
        Assert.Contains(id, (await Okms($"approval list --key {key}")).Output, StringComparison.Ordinal);
        Assert.Contains("requested by", (await Okms($"approval show {id}")).Output, StringComparison.Ordinal);
        Assert.StartsWith("okms: permission_denied: ", (await Shell(asker).Run("approval", "approve", id)).Fails(ExitCode.Permission), StringComparison.Ordinal);
        Assert.Equal($"disable of {key} is done", (await Shell(approver).Run("approval", "approve", id)).Is(0).Line);
        Assert.Equal("", (await Okms($"approval list --key {key}")).Output);
        Assert.Contains("executed", (await Okms($"approval list --key {key} --state all")).Output, StringComparison.Ordinal);
        (await Shell(asker).Run("keys", "enable", key)).Is(0);
        id = (await Shell(asker).Run("keys", "disable", key)).Fails(ExitCode.Pending).Split(' ')[^1];
        Assert.Equal($"disable of {key} is rejected", (await Shell(approver).Run("approval", "reject", id)).Is(0).Line);
        id = (await Shell(asker).Run("keys", "disable", key)).Fails(ExitCode.Pending).Split(' ')[^1];
        Assert.Equal($"disable of {key} is cancelled", (await Shell(asker).Run("approval", "cancel", id)).Is(0).Line);

        // An export is for one wrapping key, which must still be there when it is approved.
        Assert.Contains("--wrapping-key", (await Shell(asker).Run("keys", "export", key, "--out", "x")).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Secret("wrapping.pem", await OpenSsl.Run([], "genrsa", "2048"));
        string[] export = ["keys", "export", key, "--out", "exported", "--wrapping-key", "wrapping.pem"];
        id = (await Shell(asker).Run(export)).Fails(ExitCode.Pending).Split(' ')[^1];
        Assert.False(File.Exists(PathOf("exported")));
        (await Shell(approver).Run("approval", "approve", id)).Is(0);
        (await Shell(asker).Run(export)).Is(0);
        Assert.Equal(32, Read("exported").Length);
    }

    [Fact]
    public async Task Installation_IsAskedAndKept()
    {
        Assert.StartsWith("status    healthy\n", (await Okms("health")).Output, StringComparison.Ordinal);
        Assert.Equal("healthy", (string?)(await Okms("health --json")).Json["checks"]!["database"]);
        Assert.Contains("current", (await Okms("kek list")).Output, StringComparison.Ordinal);
        Assert.Contains("1 of 1", (await Okms("root status")).Output, StringComparison.Ordinal);
        Assert.Contains("--yes", await Fails(ExitCode.Usage, "kek destroy 00000000000000000000000000000000"), StringComparison.Ordinal);
        Assert.Contains("RECORDS", (await Okms("audit logs")).Output, StringComparison.Ordinal);
        Assert.Single((await Okms("audit search --action keys:create --limit 1 --json")).Json["records"]!.AsArray());
        var from = DateTime.UtcNow.AddHours(-1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains("PRINCIPAL", (await Okms($"audit search --principal admin --outcome ok --from {from} --limit 3")).Output, StringComparison.Ordinal);

        var space = "v" + Guid.NewGuid().ToString("N");
        Assert.Equal($"{space} has the limits 1000/PT1H, 5/P1D/keys:rotate", (await Okms($"namespace set {space} 1000/PT1H 5/P1D/keys:rotate")).Line);
        Assert.Contains("PT1H", (await Okms($"namespace show {space}")).Output, StringComparison.Ordinal);
        await Okms($"namespace remove {space} --yes");
    }

    [Theory]
    [InlineData("keys", "Required command was not provided")]
    [InlineData("keys lst", "Did you mean list?")]
    [InlineData("keys create a b", "b is not known here")]
    [InlineData("keys create --token x", "--token is not known here")]
    [InlineData("keys versions disable k x", "x")]
    [InlineData("encrypt", "KEY")]
    public async Task WrongCall_IsRefused(string arguments, string reason)
    {
        var result = (await Shell().Run(arguments.Split(' '))).Is(ExitCode.Usage);
        Assert.Contains(reason, result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("keys create --token okms_secret")]
    [InlineData("encrypt k --token okms_secret")]
    [InlineData("encrypt --token okms_secret")]
    [InlineData("whoami --token okms_secret")]
    public async Task Token_OnACommandLine_IsRefused_AndNotRepeated(string arguments)
    {
        var line = (await Shell().Run(arguments.Split(' '))).Fails(ExitCode.Usage);
        Assert.StartsWith("--token is not known here", line, StringComparison.Ordinal);
        Assert.DoesNotContain("okms_secret", line, StringComparison.Ordinal);
    }
}
