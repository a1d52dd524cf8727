namespace OrleansKms.Tests.Cluster.Roots;

/// <summary>
/// Another root key in the place of that of an all-in-one service: the real program, SQLite, and tokens of SoftHSM.
/// </summary>
public sealed class RootChangeTests : IDisposable
{
    private const string Key = "kept";

    private static readonly (string, string?)[] OwnFile = [];

    private readonly RootProgram _program = new();

    private (string, string?)[] OwnHsm => _program.Hsm.Environment();

    [Fact]
    public async Task FileToHsm_AddVerifySwitchRemove_AndTheFileIsNotNeededAnyMore()
    {
        var ciphertext = await _program.Serve(Key);
        var both = And(OwnFile, OtherHsm("okms"));
        var file = Assert.Single(await _program.List(OwnFile));
        Assert.Equal(("1/1", "complete", "silo"), (file.Keks, file.State, file.Opens));

        Assert.Contains("--create", await _program.Refused(both, "add"), StringComparison.Ordinal);
        var before = await _program.Everything();
        Assert.Contains("Would make a root key at pkcs11:token=okms", await _program.Root(both, "add", "--create", "--dry-run"), StringComparison.Ordinal);
        Assert.Equal(before, await _program.Everything());
        Assert.Empty(_program.Hsm.KeyFiles);

        Assert.Contains("opens the one key-encryption key by itself", await _program.Root(both, "add", "--create"), StringComparison.Ordinal);
        Assert.Contains("opens the one key-encryption key by itself.", await _program.Root(both, "verify"), StringComparison.Ordinal);
        before = await _program.Everything();
        Assert.Contains("as before", await _program.Root(both, "add", "--create"), StringComparison.Ordinal);
        Assert.Equal(before, await _program.Everything());
        Assert.Single(_program.Hsm.KeyFiles);

        await _program.Decrypts(Key, ciphertext, OwnHsm);
        await _program.Decrypts(Key, ciphertext, OwnFile);
        Assert.Contains("Run the command with the settings of the one that stays", await _program.Refused(both, "remove", file.Id), StringComparison.Ordinal);

        before = await _program.Everything();
        Assert.Contains("Would remove the 1 wraps", await _program.Root(OwnHsm, "remove", file.Id, "--dry-run"), StringComparison.Ordinal);
        Assert.Equal(before, await _program.Everything());
        Assert.Contains("wraps nothing in this database any more", await _program.Root(OwnHsm, "remove", file.Id), StringComparison.Ordinal);
        File.Delete(_program.RootKey);
        await _program.Decrypts(Key, ciphertext, OwnHsm);

        var roots = await _program.List(OwnHsm);
        Assert.Equal([("0/1", "removed", "no"), ("1/1", "complete", "silo")], roots.Select(r => (r.Keks, r.State, r.Opens)).OrderBy(r => r.Item1, StringComparer.Ordinal));
        Assert.Contains("missing", await _program.StartRefused(OwnFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HsmToHsm_TheOldTokenIsNotNeededAnyMore()
    {
        _program.Hsm.AddToken("next");
        var create = _program.Hsm.Environment(("OKMS_HSM_CREATE_ROOT", "true"));
        var next = _program.Hsm.Environment(("HSM_ADDRESS", _program.Hsm.AddressOf("next")));
        var ciphertext = await _program.Serve(Key, create);
        var old = Assert.Single(await _program.List(OwnHsm)).Id;

        await _program.Root(And(OwnHsm, OtherHsm("next")), "add", "--create");
        Assert.Equal(2, _program.Hsm.KeyFiles.Count);
        await _program.Decrypts(Key, ciphertext, next);
        await _program.Decrypts(Key, ciphertext, OwnHsm);

        await _program.Root(next, "remove", old);
        Assert.Contains("OKMS_OTHER_HSM_ADDRESS", await _program.Refused(next, "destroy", old), StringComparison.Ordinal);
        await _program.Root(And(next, OtherHsm("okms")), "destroy", old);
        Assert.Single(_program.Hsm.KeyFiles);
        await _program.Decrypts(Key, ciphertext, next);
        Assert.Contains("missing", await _program.StartRefused(OwnHsm), StringComparison.Ordinal);
        Assert.Equal([(old, "destroyed"), ((await _program.List(next))[1].Id, "complete")], (await _program.List(next)).Select(r => (r.Id, r.State)));
    }

    [Fact]
    public async Task WhileTheServiceRuns_TheEmbeddedDatabaseIsItsOwn()
    {
        await using var service = await _program.Start();
        Assert.Contains("Stop it first", await _program.Refused(OwnFile, "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongOnes_AreRefused_AndNothingIsWritten()
    {
        await _program.Serve(Key);
        var other = _program.Of("other.key");
        var both = And(OwnFile, [("OKMS_OTHER_ROOT_KEY_FILE", other)]);
        var own = Assert.Single(await _program.List()).Id;
        var before = await _program.Everything();

        Assert.Contains("OKMS_OTHER_HSM_ADDRESS", await _program.Refused(OwnFile, "add"), StringComparison.Ordinal);
        Assert.Contains("--create", await _program.Refused(both, "add"), StringComparison.Ordinal);
        Assert.Contains("which the silos' own settings name", await _program.Refused([("OKMS_OTHER_ROOT_KEY_FILE", _program.RootKey)], "add", "--create"), StringComparison.Ordinal);
        Assert.Contains("is the only one", await _program.Refused(OwnFile, "remove", own), StringComparison.Ordinal);
        Assert.Contains("wraps nothing", await _program.Refused(OwnFile, "remove", "file:00"), StringComparison.Ordinal);
        Assert.Contains("still wraps 1", await _program.Refused(OwnFile, "destroy", own), StringComparison.Ordinal);
        Assert.Contains("is not one of this database", await _program.Refused(OwnFile, "destroy", "hsm:00"), StringComparison.Ordinal);
        Assert.Contains("is not where OKMS_DATA_DIR or OKMS_OTHER_ROOT_KEY_FILE leads to", await _program.Refused(both, "verify", "hsm:0011"), StringComparison.Ordinal);
        Assert.Contains("handed in", await _program.Refused([("OKMS_ROOT_KEY_FILE", _program.RootKey)], "rotate"), StringComparison.Ordinal);
        Assert.Contains("contradicts", await _program.Refused(And(both, OtherHsm("okms")), "add"), StringComparison.Ordinal);
        Assert.Contains("OKMS_OTHER_HSM_ADDRESS", await _program.Refused(OtherHsm("absent"), "add", "--create"), StringComparison.Ordinal);
        Assert.Contains("There is no database", await _program.Refused([("OKMS_DATA_DIR", _program.Of("nowhere"))], "list"), StringComparison.Ordinal);
        foreach (var words in (string[][])[[], ["paint"], ["add", "now"], ["list", "--dry-run"], ["verify", "a", "b"], ["remove"], ["destroy", "--create"], ["rotate", own]])
        {
            Assert.Matches("For what there is: okms root .*--help", await _program.Refused(OwnFile, words));
        }

        Assert.Equal(before, await _program.Everything());
        Assert.False(Directory.Exists(_program.Of("nowhere")));
    }

    [Fact]
    public async Task Verify_ByARootThatIsAnother_IsRefused_AndADamagedWrapIsMadeAnew()
    {
        var ciphertext = await _program.Serve(Key);
        var (stranger, recovery) = (_program.Of("stranger.key"), _program.Of("recovery.key"));
        WriteKey(stranger);
        WriteKey(recovery);
        var both = And(OwnFile, [("OKMS_OTHER_ROOT_KEY_FILE", recovery)]);
        Assert.Contains("does not wrap 1 of the 1", await _program.Refused([("OKMS_OTHER_ROOT_KEY_FILE", stranger)], "verify"), StringComparison.Ordinal);

        await _program.Root(both, "add");
        await _program.Root(both, "verify");
        await _program.Rows("UPDATE okms_kek_wrap SET wrapped = randomblob(length(wrapped)) WHERE root_id = (SELECT root_id FROM okms_root)");
        Assert.Contains("which was changed in the database", await _program.Refused(both, "verify"), StringComparison.Ordinal);
        await _program.Root(both, "add");
        await _program.Root(both, "verify");
        await _program.Decrypts(Key, ciphertext, ("OKMS_ROOT_KEY_FILE", recovery));
    }

    [Fact]
    public async Task ManifestThatIsLost_StopsTheStart_UntilTheRootKeyVouchesAnew_AndARecoveryRootHasToFollow()
    {
        var ciphertext = await _program.Serve(Key);
        var recovery = _program.Of("recovery.key");
        WriteKey(recovery);
        var both = And(OwnFile, [("OKMS_OTHER_ROOT_KEY_FILE", recovery)]);
        await _program.Root(both, "add");
        Assert.Equal(["2"], await _program.Rows("SELECT count(*) FROM okms_kek_manifest"));
        await _program.Root(both, "verify");

        await _program.Rows("DELETE FROM okms_kek_manifest");
        Assert.Contains("is missing", await _program.StartRefused(OwnFile), StringComparison.Ordinal);
        var before = await _program.Everything();
        Assert.Contains("would vouch", await _program.Root(OwnFile, "accept", "--dry-run"), StringComparison.Ordinal);
        Assert.Equal(before, await _program.Everything());
        Assert.Contains("vouches for these key-encryption keys and no other", await _program.Root(OwnFile, "accept"), StringComparison.Ordinal);
        await _program.Decrypts(Key, ciphertext, OwnFile);

        Assert.Contains("does not vouch", await _program.Refused(both, "verify"), StringComparison.Ordinal);
        Assert.Contains("run okms root add with it", await _program.Root(OwnFile, "list"), StringComparison.Ordinal);
        Assert.Contains("does not vouch", await _program.StartRefused([("OKMS_ROOT_KEY_FILE", recovery)]), StringComparison.Ordinal);
        await _program.Root(both, "add");
        await _program.Root(both, "verify");
        await _program.Decrypts(Key, ciphertext, ("OKMS_ROOT_KEY_FILE", recovery));
    }

    [Fact]
    public async Task RootKeyOfTheHsmsOwnTools_IsAddedByItsIdOnly()
    {
        await _program.Serve(Key);
        var address = _program.Hsm.Address.Replace(";object=okms-root", ";id=%2a%2b", StringComparison.Ordinal);
        (string, string?)[] byId = [("SOFTHSM2_CONF", _program.Hsm.Configuration), ("OKMS_OTHER_HSM_ADDRESS", address)];
        Assert.Contains("--create", await _program.Refused(byId, "add"), StringComparison.Ordinal);

        await _program.Root(byId, "add", "--create");

        Assert.Contains(await _program.List(byId), r => r is { Id: "hsm:2a2b", Keks: "1/1", Opens: "yes" });
        Assert.Contains("names the root key by its id", await _program.Refused(
            _program.Hsm.Environment(("HSM_ADDRESS", address)), "rotate"), StringComparison.Ordinal);
    }

    public void Dispose() => _program.Dispose();

    private (string, string?)[] OtherHsm(string token) =>
        [("SOFTHSM2_CONF", _program.Hsm.Configuration), ("OKMS_OTHER_HSM_ADDRESS", _program.Hsm.AddressOf(token))];

    private static (string, string?)[] And((string Name, string?)[] some, (string Name, string?)[] more) =>
        [.. some.Concat(more).DistinctBy(e => e.Name)];

    private static void WriteKey(string path)
    {
        File.WriteAllBytes(path, System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
