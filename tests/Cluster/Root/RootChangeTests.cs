using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Roots;

/// <summary>
/// Changes of the root key of an all-in-one service: the real program, SQLite, and tokens of SoftHSM. Two at a time would
/// contend for the machine only.
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
    public async Task RecoveryRoot_LagsBehindARotationOfTheKekUntilItIsAddedAgain_AndOpensWhenTheHsmIsLost()
    {
        var recovery = _program.Of("recovery.key");
        (string, string?)[] ownRecovery = [("OKMS_ROOT_KEY_FILE", recovery)];
        var both = And(OwnHsm, [("OKMS_OTHER_ROOT_KEY_FILE", recovery)]);
        byte[] ciphertext;
        await _program.Serve("first", _program.Hsm.Environment(("OKMS_HSM_CREATE_ROOT", "true")));
        await _program.Root(both, "add", "--create");
        await using (var service = await _program.Start(OwnHsm))
        {
            await RootProgram.RotateKek(service.Http);
            await service.Http.Create(Key);
            (_, ciphertext) = await service.Http.Encrypt(Key, [1, 2, 3]);
            await service.UntilSaid("does not wrap the new KEK");
            Assert.Equal(0, await service.Stop());
        }

        Assert.Contains("lacks 1 of the 2 key-encryption keys", await _program.Root(both, "list"), StringComparison.Ordinal);
        Assert.Contains("root add", await _program.Refused(both, "verify"), StringComparison.Ordinal);
        Assert.Contains("run the command root add with it again", await _program.StartRefused(ownRecovery), StringComparison.Ordinal);
        var hsm = (await _program.List(OwnHsm)).Single(r => r.Opens == "silo").Id;
        Assert.Contains("does not open 1 of the 2", await _program.StartRefused(ownRecovery), StringComparison.Ordinal);
        Assert.Contains("does not wrap 1 of the 2", await _program.Refused(ownRecovery, "remove", hsm), StringComparison.Ordinal);

        Assert.Contains("Wrapped the key-encryption key", await _program.Root(both, "add"), StringComparison.Ordinal);
        await _program.Root(both, "verify");
        _program.Hsm.Remove();
        await _program.Decrypts(Key, ciphertext, ownRecovery);
        await _program.Root(ownRecovery, "remove", hsm);
        await _program.Decrypts(Key, ciphertext, ownRecovery);
    }

    [Fact]
    public async Task Rotate_InTheHsm_IsTakenAtTheNextStart_AndWithTheOldOneGoTheBackups()
    {
        var ciphertext = await _program.Serve(Key, _program.Hsm.Environment(("OKMS_HSM_CREATE_ROOT", "true")));
        var backup = _program.BackUp();
        var old = Assert.Single(await _program.List(OwnHsm)).Id;

        var before = await _program.Everything();
        await _program.Root(OwnHsm, "rotate", "--dry-run");
        Assert.Equal(before, await _program.Everything());
        await _program.Root(OwnHsm, "rotate");
        var made = (await _program.List(OwnHsm)).Single(r => r.Id != old);
        Assert.Equal(("1/1", "complete", "silo"), (made.Keks, made.State, made.Opens));
        await _program.Decrypts(Key, ciphertext, OwnHsm);
        Assert.Contains("still wraps 1", await _program.Refused(OwnHsm, "destroy", old), StringComparison.Ordinal);

        // Until the old one is destroyed, the backup opens.
        await _program.Root(OwnHsm, "remove", old);
        var current = _program.BackUp();
        _program.Restore(backup);
        await _program.Decrypts(Key, ciphertext, OwnHsm);
        _program.Restore(current);

        Assert.Contains("must be given whole", await _program.Refused(OwnHsm, "destroy", old[..^1]), StringComparison.Ordinal);
        before = await _program.Everything();
        await _program.Root(OwnHsm, "destroy", old, "--dry-run");
        Assert.Equal(before, await _program.Everything());
        var destroyed = await _program.Root(OwnHsm, "destroy", old);
        Assert.Contains("is destroyed", destroyed, StringComparison.Ordinal);
        Assert.Contains("1 of the key-encryption keys are from before it was removed", destroyed, StringComparison.Ordinal);
        Assert.Single(_program.Hsm.KeyFiles);
        Assert.Contains("was destroyed at", await _program.Refused(OwnHsm, "destroy", old), StringComparison.Ordinal);
        await _program.Decrypts(Key, ciphertext, OwnHsm);

        _program.Restore(backup);
        var refusal = await _program.StartRefused(OwnHsm);
        Assert.Contains(old, refusal, StringComparison.Ordinal);
        Assert.Contains("If it was destroyed, nothing opens this database any more", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotate_OfTheFile_KeepsTheOldOneBesideIt_UntilItIsDestroyed()
    {
        var ciphertext = await _program.Serve(Key);
        var backup = _program.BackUp();
        var (old, oldBytes) = (Assert.Single(await _program.List()).Id, await File.ReadAllBytesAsync(_program.RootKey));
        var kept = Path.Combine(Path.GetDirectoryName(_program.RootKey)!, $"root-{old["file:".Length..]}.key");

        var before = await _program.Everything();
        await _program.Root(OwnFile, "rotate", "--dry-run");
        Assert.Equal(before, await _program.Everything());
        await _program.Root(OwnFile, "rotate");
        Assert.Equal(oldBytes, await File.ReadAllBytesAsync(kept));
        Assert.NotEqual(oldBytes, await File.ReadAllBytesAsync(_program.RootKey));
        await _program.Decrypts(Key, ciphertext);

        await _program.Root(OwnFile, "remove", old);
        await _program.Root(OwnFile, "destroy", old);
        Assert.False(File.Exists(kept));
        await _program.Decrypts(Key, ciphertext);
        _program.Restore(backup);
        Assert.Contains("does not open", await _program.StartRefused(), StringComparison.Ordinal);
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
            Assert.Contains("root takes: list", await _program.Refused(OwnFile, words), StringComparison.Ordinal);
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
