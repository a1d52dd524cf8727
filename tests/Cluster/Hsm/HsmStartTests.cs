using Microsoft.Data.Sqlite;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Starts of the real service with its root key in an HSM: those that work, and those that are refused in one line.</summary>
public sealed class HsmStartTests : IDisposable
{
    private static readonly (string, string?) Create = ("OKMS_HSM_CREATE_ROOT", "true");

    private readonly SoftHsm _hsm = new();
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Restart_KeysOpenAgain_AndTheRootIsNoFile()
    {
        byte[] ciphertext;
        await using (var first = await ServiceProcess.Start(_directory.Path, _hsm.Environment(Create)))
        {
            await first.Http.Create("kept");
            (_, ciphertext) = await first.Http.Encrypt("kept", [1, 2, 3]);
            Assert.Equal(0, await first.Stop());
        }

        await using var second = await ServiceProcess.Start(_directory.Path, _hsm.Environment());

        Assert.Equal([1, 2, 3], Assert.Single(await second.Http.DecryptAll("kept", [ciphertext])).Plaintext);
        Assert.False(File.Exists(_directory.Of("okms-data/root.key")));
        Assert.Single(_hsm.KeyFiles);
        Assert.Matches("^hsm:[0-9a-f]{32}$", Assert.IsType<string>(await Scalar("SELECT root_id FROM okms_root")));
        Assert.Contains("\"hsm\":\"healthy\"", await second.Http.GetStringAsync("/health"), StringComparison.Ordinal);
        Assert.DoesNotContain(SoftHsm.Pin, second.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongPin_IsTriedOnce_AndTheNextStartWarns()
    {
        await File.WriteAllTextAsync(_hsm.PinFile, "161803-wrong-pin\n");
        var refusal = await Refused(_hsm.Environment(Create), StartGuard.RefusedForGood);
        Assert.Contains("refused the PIN", refusal, StringComparison.Ordinal);
        Assert.Contains("once", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("161803", refusal, StringComparison.Ordinal);

        await File.WriteAllTextAsync(_hsm.PinFile, SoftHsm.Pin);
        await using var right = await ServiceProcess.Start(_directory.Path, _hsm.Environment(Create));
        await right.UntilSaid("has seen a wrong PIN");
    }

    [Fact]
    public async Task PinFromTheEnvironment_IsTaken()
    {
        var address = _hsm.Address[.._hsm.Address.IndexOf("&pin-source", StringComparison.Ordinal)];
        await using var service = await ServiceProcess.Start(
            _directory.Path, _hsm.Environment(Create, ("HSM_ADDRESS", address), ("OKMS_HSM_PIN", SoftHsm.Pin)));
        await service.Http.Create("made");
        Assert.DoesNotContain(SoftHsm.Pin, service.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingPinFile_IsRefused()
    {
        File.Delete(_hsm.PinFile);
        Assert.Contains(_hsm.PinFile, await Refused(_hsm.Environment(Create)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingModule_IsRefused() =>
        Assert.Contains("/nowhere/hsm.so", await Refused(_hsm.Environment(
            ("HSM_ADDRESS", $"pkcs11:token=okms?module-path=/nowhere/hsm.so&pin-source={_hsm.PinFile}"))), StringComparison.Ordinal);

    [Fact]
    public async Task ModuleThatIsNone_IsRefused()
    {
        var file = _directory.Of("none.so");
        await File.WriteAllTextAsync(file, "not a library");
        Assert.Contains(file, await Refused(_hsm.Environment(
            ("HSM_ADDRESS", $"pkcs11:token=okms?module-path={file}&pin-source={_hsm.PinFile}"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingToken_IsRefused() =>
        Assert.Contains("pkcs11:token=another", await Refused(_hsm.Environment(
            ("HSM_ADDRESS", _hsm.Address.Replace("token=okms", "token=another", StringComparison.Ordinal)))), StringComparison.Ordinal);

    [Fact]
    public async Task EmptyTokenWithoutLeaveToCreate_IsRefused()
    {
        Assert.Contains("OKMS_HSM_CREATE_ROOT", await Refused(_hsm.Environment()), StringComparison.Ordinal);
        Assert.Empty(_hsm.KeyFiles);
    }

    [Fact]
    public async Task MissingMechanisms_AreNamed()
    {
        await StartAndStop();
        _hsm.Configure("-CKM_MD5,CKM_AES_GCM,CKM_AES_KEY_WRAP_PAD");
        var refusal = await Refused(_hsm.Environment());
        Assert.Contains("CKM_AES_GCM", refusal, StringComparison.Ordinal);
        Assert.Contains("CKM_AES_KEY_WRAP_PAD", refusal, StringComparison.Ordinal);

        _hsm.Configure();
        await StartAndStop();
    }

    [Fact]
    public async Task MissingRoot_IsRefused_AndNoNewOneIsMade()
    {
        await StartAndStop();
        File.Delete(Assert.Single(_hsm.KeyFiles));
        Assert.Contains("missing", await Refused(_hsm.Environment(Create)), StringComparison.Ordinal);
        Assert.Empty(_hsm.KeyFiles);
    }

    [Fact]
    public async Task DatabaseOfAFileRoot_IsRefused_AndNoRootIsMade()
    {
        await using (var service = await ServiceProcess.Start(_directory.Path)) await service.Stop();
        Assert.Contains("another root key", await Refused(_hsm.Environment(Create)), StringComparison.Ordinal);
        Assert.Empty(_hsm.KeyFiles);
    }

    [Fact]
    public async Task ChangedWrap_IsRefused()
    {
        await StartAndStop();
        var wrapped = (byte[])(await Scalar("SELECT wrapped FROM okms_kek_wrap"))!;
        foreach (var at in (int[])[0, 1, 5, wrapped.Length - 1])
        {
            wrapped[at] ^= 0x40;
            await Scalar("UPDATE okms_kek_wrap SET wrapped = @w", wrapped);
            Assert.Contains("does not open the key-encryption key", await Refused(_hsm.Environment()), StringComparison.Ordinal);
            wrapped[at] ^= 0x40;
        }

        await Scalar("UPDATE okms_kek_wrap SET wrapped = @w", wrapped);
        var mac = (byte[])(await Scalar("SELECT mac FROM okms_kek_manifest"))!;
        mac[^1] ^= 0x40;
        await Scalar("UPDATE okms_kek_manifest SET mac = @w", mac);
        Assert.Contains("does not vouch for the manifest", await Refused(_hsm.Environment()), StringComparison.Ordinal);
        mac[^1] ^= 0x40;
        await Scalar("UPDATE okms_kek_manifest SET mac = @w", mac);
        await StartAndStop();
    }

    [Fact]
    public async Task TwoFirstStartsAtOnce_MakeOneRootAndOneKek()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase(), _hsm.Environment(Create));
        await Task.WhenAll(cluster.StartSilo(), cluster.StartSilo());

        Assert.Single(_hsm.KeyFiles);
        foreach (var table in (string[])["okms_root", "okms_kek", "okms_kek_wrap"])
        {
            Assert.Equal(1L, await cluster.Scalar("SELECT count(*) FROM " + table));
        }
    }

    public void Dispose()
    {
        _hsm.Dispose();
        _directory.Dispose();
    }

    private async Task StartAndStop()
    {
        await using var service = await ServiceProcess.Start(_directory.Path, _hsm.Environment(Create));
        Assert.Equal(0, await service.Stop());
    }

    private async Task<string> Refused((string, string?)[] environment, int code = StartGuard.Refused)
    {
        await using var service = ServiceProcess.Launch(_directory.Path, port: null, environment);
        Assert.Equal(code, await service.Exited());
        var line = Assert.Single(service.Errors);
        Assert.StartsWith("okms: HSM_ADDRESS", line.Replace("The root key hsm:", "HSM_ADDRESS:", StringComparison.Ordinal), StringComparison.Ordinal);
        return line;
    }

    private async Task<object?> Scalar(string text, byte[]? wrapped = null)
    {
        await using var connection = new SqliteConnection($"Data Source={_directory.Of("okms-data/kms.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A constant of this file.
        command.CommandText = text;
#pragma warning restore CA2100
        if (wrapped is not null) command.Parameters.AddWithValue("w", wrapped);
        return await command.ExecuteScalarAsync();
    }
}
