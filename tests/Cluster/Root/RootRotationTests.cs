using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Roots;

/// <summary>
/// A new root key in the place of the old one, and a new KEK under two roots, of an all-in-one service: the real program,
/// SQLite, and tokens of SoftHSM.
/// </summary>
public sealed class RootRotationTests : IDisposable
{
    private const string Key = "kept";

    private readonly RootProgram _program = new();

    private (string, string?)[] OwnHsm => _program.Hsm.Environment();

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
        Assert.Contains("If it was destroyed, nothing can open this database", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotate_OfTheFile_KeepsTheOldOneBesideIt_UntilItIsDestroyed()
    {
        var ciphertext = await _program.Serve(Key);
        var backup = _program.BackUp();
        var (old, oldBytes) = (Assert.Single(await _program.List()).Id, await File.ReadAllBytesAsync(_program.RootKey));
        var kept = Path.Combine(Path.GetDirectoryName(_program.RootKey)!, $"root-{old["file:".Length..]}.key");

        var before = await _program.Everything();
        await _program.Root([], "rotate", "--dry-run");
        Assert.Equal(before, await _program.Everything());
        await _program.Root([], "rotate");
        Assert.Equal(oldBytes, await File.ReadAllBytesAsync(kept));
        Assert.NotEqual(oldBytes, await File.ReadAllBytesAsync(_program.RootKey));
        await _program.Decrypts(Key, ciphertext);

        await _program.Root([], "remove", old);
        await _program.Root([], "destroy", old);
        Assert.False(File.Exists(kept));
        await _program.Decrypts(Key, ciphertext);
        _program.Restore(backup);
        Assert.Contains("does not open", await _program.StartRefused(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RecoveryRoot_LagsBehindARotationOfTheKekUntilItIsAddedAgain_AndOpensWhenTheHsmIsLost()
    {
        var recovery = _program.Of("recovery.key");
        (string, string?)[] ownRecovery = [("OKMS_ROOT_KEY_FILE", recovery)];
        var both = _program.Hsm.Environment(("OKMS_OTHER_ROOT_KEY_FILE", recovery));
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
        Assert.Contains("run okms root add with it again", await _program.StartRefused(ownRecovery), StringComparison.Ordinal);
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

    public void Dispose() => _program.Dispose();
}
