using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class KeyUsabilityTests
{
    private static readonly KeyRow _row = KeyRotationTests.Row() with
    {
        PrimaryVersion = 4,
        MinDecryptVersion = 2,
        Versions =
        [
            new(1, KeyVersionState.Enabled, default), new(2, KeyVersionState.Disabled, default), new(3, KeyVersionState.Enabled, default),
            new(4, KeyVersionState.Enabled, default),
        ],
    };

    [Theory]
    [InlineData(0, "invalid_ciphertext")]
    [InlineData(1, "version_not_usable")]
    [InlineData(2, "version_not_usable")]
    [InlineData(3, null)]
    [InlineData(4, null)]
    [InlineData(5, "invalid_ciphertext")]
    public void RequireDecrypts_EachVersion(int version, string? code) =>
        Assert.Equal(code, CodeOf(() => KeyUsability.RequireDecrypts(_row, version)));

    [Theory]
    [InlineData(KeyState.Enabled, null)]
    [InlineData(KeyState.Disabled, "key_disabled")]
    [InlineData(KeyState.PendingImport, "key_pending_import")]
    [InlineData(KeyState.PendingDeletion, "key_pending_deletion")]
    [InlineData(KeyState.Destroyed, "key_destroyed")]
    public void EachRequirement_OfAKeyThatIsNotEnabled_IsItsStatesError(KeyState state, string? code)
    {
        var row = _row with { State = state };
        Assert.Equal(code, CodeOf(() => KeyUsability.Require(row, KeyUsage.EncryptDecrypt)));
        Assert.Equal(code, CodeOf(() => KeyUsability.RequireVersion(row, 3)));
        Assert.Equal(code, CodeOf(() => KeyUsability.RequireDecrypts(row, 3)));
    }

    [Fact]
    public void Require_AnotherUsage_IsWrongKeyUsage() =>
        Assert.Equal("wrong_key_usage", CodeOf(() => KeyUsability.Require(_row, KeyUsage.Mac)));

    [Fact]
    public void RequirePrimary_AndVersion_GoByTheVersionsState()
    {
        Assert.Null(CodeOf(() => KeyUsability.RequirePrimary(_row)));
        Assert.Equal("version_not_usable", CodeOf(() => KeyUsability.RequirePrimary(_row with { PrimaryVersion = 2 })));
        Assert.Equal("version_not_usable", CodeOf(() => KeyUsability.RequireVersion(_row, 2)));
    }

    [Theory]
    [InlineData(KeyOrigin.Generated, 1, null)]
    [InlineData(KeyOrigin.External, 0, null)]
    [InlineData(KeyOrigin.External, 1, "key_pending_import")]
    public void RequireImportSinceRestore_ConcernsExternalKeysOnly(KeyOrigin origin, int epoch, string? code) => Assert.Equal(
        code, CodeOf(() => KeyUsability.RequireImportSinceRestore(_row with { Origin = origin }, new RestoreEpoch(epoch, 0, default))));

    private static string? CodeOf(Action check) => (Record.Exception(check) as KmsException)?.Code;
}
