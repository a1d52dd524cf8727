using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>Material that comes from outside: once, whole and for whom it was meant, whatever happens in between.</summary>
public sealed class ImportedKeyTests : KeyGrainTest
{
    private static readonly byte[] _material = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] _next = RandomNumberGenerator.GetBytes(32);
    private static readonly Caller _other = new("other", "local", "request-2");

    [Fact]
    public async Task Import_MakesTheVersion_AndASecondOneTheNext()
    {
        await CreateExternal("own");
        await Refused("key_pending_import", () => Encrypt("own"));
        Assert.Equal(KeyState.PendingImport, (await Describe("own")).State);
        var key = await Import("own", _material);
        Assert.Equal((KeyState.Enabled, 1, KeyOrigin.External), (key.State, key.PrimaryVersion, key.Origin));
        var encrypted = await Encrypt("own");
        Assert.Equal(Plaintext, (await Decrypt("own", encrypted)).Plaintext);

        var two = await Import("own", _next);
        Assert.Equal((2, 2), (two.PrimaryVersion, two.Versions.Length));
        Assert.Equal(2, (await Encrypt("own")).KeyVersion);
        Assert.Equal(Plaintext, (await Decrypt("own", encrypted)).Plaintext);

        // What a version has makes none, whichever it is.
        Assert.Equal(2, (await Import("own", _material)).PrimaryVersion);
        Assert.Equal(2, (await Import("own", _next)).PrimaryVersion);
        await Silo.Key("own").DisableVersion(new(TestSilo.Caller, 1));
        await Refused("conflict", () => Import("own", _material));
        Assert.Equal(2, (await Describe("own")).Versions.Length);
        await Refused("conflict", () => Rotate("own"));
        await Refused("invalid_parameter", () => Silo.Key("own").Update(new() { Caller = TestSilo.Caller, Rotation = new(true, new(TimeSpan.FromDays(1), null)) }));

        await Restart();
        Assert.Equal(Plaintext, (await Silo.Key("own").Decrypt(new(TestSilo.Caller, (await Encrypt("own")).Ciphertext))).Plaintext);
        await Silo.Key("own").EnableVersion(new(TestSilo.Caller, 1));
        Assert.Equal(Plaintext, (await Decrypt("own", encrypted)).Plaintext);
        Assert.All(await Silo.Grains.GetGrain<IKeyRowsGrain>("own").Check(new(TestSilo.Caller)), check => Assert.Null(check.Error));
    }

    [Fact]
    public async Task Parameters_AreGoodOnce_ForThisKey_AndForThisCaller()
    {
        await CreateExternal("one");
        await CreateExternal("two");
        var parameters = await Parameters("one");
        var wrapped = Wrapped(parameters, _material);
        await NotUnwrapped(() => Imports("two").Import(new(TestSilo.Caller, parameters.ImportToken, wrapped)));
        await NotUnwrapped(() => Imports("one").Import(new(_other, parameters.ImportToken, wrapped)));
        foreach (var at in (int[])[0, 15, 16, 47])
        {
            var token = (byte[])parameters.ImportToken.Clone();
            token[at] ^= 1;
            await NotUnwrapped(() => Imports("one").Import(new(TestSilo.Caller, token, wrapped)));
        }

        await NotUnwrapped(() => Imports("one").Import(new(TestSilo.Caller, parameters.ImportToken[1..], wrapped)));
        await NotUnwrapped(() => Imports("one").Import(new(TestSilo.Caller, [], wrapped)));

        // None of that used them up.
        await Imports("one").Import(new(TestSilo.Caller, parameters.ImportToken, wrapped));
        await NotUnwrapped(() => Imports("one").Import(new(TestSilo.Caller, parameters.ImportToken, wrapped)));
        await NotUnwrapped(() => Imports("one").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _next))));
        Assert.Single((await Describe("one")).Versions);
        Assert.Empty((await Row<KeyImportsRow>("one", RowNames.KeyImports))!.Offers);
    }

    [Fact]
    public async Task Parameters_AreVoid_AfterNewOnes_AfterADay_AndAfterAFailure()
    {
        await CreateExternal("void");
        var first = await Parameters("void");
        var others = await Imports("void").MakeParameters(new(_other));
        var second = await Parameters("void");
        await NotUnwrapped(() => Imports("void").Import(new(TestSilo.Caller, first.ImportToken, Wrapped(first, _material))));

        var damaged = Wrapped(second, _material);
        damaged[^1] ^= 1;
        await NotUnwrapped(() => Imports("void").Import(new(TestSilo.Caller, second.ImportToken, damaged)));
        await NotUnwrapped(() => Imports("void").Import(new(TestSilo.Caller, second.ImportToken, Wrapped(second, _material))));

        var third = await Parameters("void");
        await Refused("invalid_parameter", () => Imports("void").Import(new(TestSilo.Caller, third.ImportToken, Wrapped(third, _material[1..]))));
        await NotUnwrapped(() => Imports("void").Import(new(TestSilo.Caller, third.ImportToken, Wrapped(third, _material))));

        Time.Advance(TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1));
        Assert.Single((await Row<KeyImportsRow>("void", RowNames.KeyImports))!.Offers);
        var fourth = await Parameters("void");
        Time.Advance(TimeSpan.FromSeconds(1));
        await NotUnwrapped(() => Imports("void").Import(new(_other, others.ImportToken, Wrapped(others, _material))));
        Assert.Equal(Time.GetUtcNow() + TimeSpan.FromHours(24) - TimeSpan.FromSeconds(1), fourth.ExpiresAt);
        Time.Advance(TimeSpan.FromHours(24));
        await NotUnwrapped(() => Imports("void").Import(new(TestSilo.Caller, fourth.ImportToken, Wrapped(fourth, _material))));
        Assert.Equal(KeyState.PendingImport, (await Describe("void")).State);
    }

    /// <summary>Its private keys are erased without anybody using the key: the reminder ticks.</summary>
    [Fact]
    public async Task Reminder_ErasesWhatHasExpired_AndEndsByItself()
    {
        await CreateExternal("idle");
        await Parameters("idle");
        var key = Silo.Grains.GetGrain<IRemindable>(Grain("idle"));
        await key.ReceiveReminder("imports", default);
        Assert.Single((await Row<KeyImportsRow>("idle", RowNames.KeyImports))!.Offers);
        Assert.Equal(1, await KeyDatabase.Count(Silo, "okms_reminder WHERE reminder_name = 'imports'"));
        Time.Advance(TimeSpan.FromHours(1));
        await Imports("idle").MakeParameters(new(_other));
        Time.Advance(TimeSpan.FromHours(23));
        await key.ReceiveReminder("imports", default);
        Assert.Equal("other", Assert.Single((await Row<KeyImportsRow>("idle", RowNames.KeyImports))!.Offers).Principal);
        Time.Advance(TimeSpan.FromHours(1));
        await key.ReceiveReminder("imports", default);
        Assert.Empty((await Row<KeyImportsRow>("idle", RowNames.KeyImports))!.Offers);
        Assert.Equal(0, await KeyDatabase.Count(Silo, "okms_reminder WHERE reminder_name = 'imports'"));
    }

    [Fact]
    public async Task Destroyed_KeyHasNoParametersLeft()
    {
        await CreateExternal("gone");
        var parameters = await Parameters("gone");
        await Silo.Key("gone").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        await Refused("key_pending_deletion", () => Imports("gone").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material))));
        await Refused("key_pending_deletion", () => Parameters("gone"));
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(KeyState.Destroyed, (await Describe("gone")).State);
        Assert.Empty((await Row<KeyImportsRow>("gone", RowNames.KeyImports))!.Offers);
        await Refused("key_destroyed", () => Imports("gone").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material))));
    }

    [Fact]
    public async Task States_ThatTakeNoImport()
    {
        await Silo.Create("made");
        await Refused("conflict", () => Parameters("made"));
        await Refused("conflict", () => Imports("made").Import(new(TestSilo.Caller, new byte[48], new byte[424])));
        await CreateExternal("disabled");
        await Import("disabled", _material);
        var parameters = await Parameters("disabled");
        await Silo.Key("disabled").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Parameters("disabled"));
        await Refused("key_disabled", () => Imports("disabled").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material))));
        await Silo.Key("disabled").Enable(new(TestSilo.Caller));
        await Imports("disabled").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material)));
        await Refused("payload_too_large", () => Imports("disabled").Import(new(TestSilo.Caller, parameters.ImportToken, new byte[16 * 1024 + 1])));
    }

    [Fact]
    public async Task Parameters_OutliveARestart()
    {
        await CreateExternal("restarted");
        var parameters = await Parameters("restarted");
        await Restart();
        await Imports("restarted").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material)));
        Assert.Equal(1, (await Encrypt("restarted")).KeyVersion);
    }

    /// <summary>The history and the log of changes tell of it, and the counters begin with the version.</summary>
    [Fact]
    public async Task History_AndCounters_HaveTheImport()
    {
        await CreateExternal("told");
        await Import("told", _material);
        await Encrypt("told");
        await Import("told", _next);
        var history = await Silo.Grains.GetGrain<IKeyHistoryGrain>("told").Read(new(TestSilo.Caller, 10));
        Assert.Equal(["keys:import", "keys:import", "keys:create"], history.Events.Select(one => one.Action));
        Assert.True(history.Verified);
        Assert.Equal([1L, 0L], (await Describe("told")).Versions.Select(version => version.Uses));
        Assert.Contains(Log.Lines, line => line.Contains("key told: import, primary version 2, by test", StringComparison.Ordinal));
    }

    /// <summary>One after the other, every await of an import fails, before or after what it waits for; then the import is repeated with new parameters.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Import_AnyStorageCallFails_AnotherOneMakesOneVersion(bool isRepeatedAfterARestart)
    {
        for (var point = 0; ; point++)
        {
            var id = $"failing.{isRepeatedAfterARestart}.{point}";
            await CreateExternal(id);
            await Import(id, _next);
            var parameters = await Parameters(id);
            var wrapped = Wrapped(parameters, _material);
            Silo.Gate.FailAt(point, Unknown());
            var failure = await Record.ExceptionAsync(() => Imports(id).Import(new(TestSilo.Caller, parameters.ImportToken, wrapped)));
            var wasReached = Silo.Gate.Reached.IsCompleted;
            Silo.Gate.HoldAt(-1);
            if (!wasReached)
            {
                Assert.Null(failure);
                Assert.True(point >= 8, $"{point} points");
                return;
            }

            if (failure is not null) Assert.Equal("storage_unavailable", Assert.IsType<KmsException>(failure).Code);
            if (isRepeatedAfterARestart && point % 4 == 0) await Restart();

            // The same parameters are good at most once more, if they were not used up, and make no second version of the same material.
            await Record.ExceptionAsync(() => Imports(id).Import(new(TestSilo.Caller, parameters.ImportToken, wrapped)));
            var key = await Import(id, _material);
            Assert.Equal(2, key.PrimaryVersion);
            Assert.Equal(2, key.Versions.Length);
            Assert.Equal(2, (await Encrypt(id)).KeyVersion);
            await NotUnwrapped(() => Imports(id).Import(new(TestSilo.Caller, parameters.ImportToken, wrapped)));
        }
    }

    /// <summary>One after the other, every await of making parameters fails.</summary>
    [Fact]
    public async Task Parameters_AnyStorageCallFails_OthersAreMade()
    {
        await CreateExternal("parameters");
        for (var point = 0; ; point++)
        {
            Silo.Gate.FailAt(point, Unknown());
            var failure = await Record.ExceptionAsync(() => Parameters("parameters"));
            var wasReached = Silo.Gate.Reached.IsCompleted;
            Silo.Gate.HoldAt(-1);
            if (!wasReached)
            {
                Assert.Null(failure);
                Assert.True(point >= 3, $"{point} points");
                break;
            }

            Assert.Equal("storage_unavailable", Assert.IsType<KmsException>(failure).Code);
        }

        Assert.Equal(1, (await Import("parameters", _material)).PrimaryVersion);
    }

    /// <summary>Held at any await, and overtaken by a disable or a second import, an import makes one version of its material or none.</summary>
    [Fact]
    public async Task Import_HeldAnywhere_WhileItsTokenIsUsedAgain_MakesOneVersion()
    {
        for (var point = 0; ; point++)
        {
            var id = $"held.{point}";
            await CreateExternal(id);
            var parameters = await Parameters(id);
            var (one, two) = (Wrapped(parameters, _material), Wrapped(parameters, _next));
            Silo.Gate.HoldAt(point);
            var first = Imports(id).Import(new(TestSilo.Caller, parameters.ImportToken, one));
            if (await Task.WhenAny(first, Silo.Gate.Reached) == first && !Silo.Gate.Reached.IsCompleted)
            {
                Silo.Gate.HoldAt(-1);
                await first;
                Assert.True(point >= 6, $"{point} points");
                return;
            }

            var second = Imports(id).Import(new(TestSilo.Caller, parameters.ImportToken, two));
            var early = await Task.WhenAny(second, Task.Delay(TimeSpan.FromMilliseconds(200)));
            Silo.Gate.Release();
            var outcomes = new[] { await Outcome(first), await Outcome(second) };
            Silo.Gate.HoldAt(-1);
            Assert.True(outcomes.Count(code => code is null) == 1, $"{point}: {string.Join(", ", outcomes)}");
            Assert.Contains(outcomes, code => code == "invalid_parameter");
            Assert.Single((await Describe(id)).Versions);
        }
    }

    /// <summary>The parameters that a row put back from a backup has are not good again: the version has their id.</summary>
    [Fact]
    public async Task Parameters_PutBack_MakeNoSecondVersion()
    {
        await CreateExternal("put.back");
        var parameters = await Parameters("put.back");
        var before = await Row<KeyImportsRow>("put.back", RowNames.KeyImports);
        await Imports("put.back").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material)));
        await Import("put.back", _next);
        await DestroyVersion("put.back", 1);
        var slot = new RowSlot<KeyImportsRow>(Silo.Rows, Grain("put.back"), RowNames.KeyImports);
        await slot.Read();
        await slot.Write(slot.Row! with { Offers = before!.Offers });
        await NotUnwrapped(() => Imports("put.back").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material))));
        Assert.Equal(2, (await Describe("put.back")).Versions.Length);
    }

    /// <summary>Whoever has the row and what opens it has no private key: that takes the token.</summary>
    [Fact]
    public async Task Parameters_RowsAlone_DoNotOpenThePrivateKey()
    {
        await CreateExternal("sealed");
        var parameters = await Parameters("sealed");
        var offer = Assert.Single((await Row<KeyImportsRow>("sealed", RowNames.KeyImports))!.Offers);
        Assert.Equal("test", offer.Principal);
        Assert.Equal(Convert.ToHexStringLower(parameters.ImportToken[..16]), offer.Id);
        Assert.DoesNotContain(Convert.ToHexStringLower(parameters.ImportToken[16..]), System.Text.Json.JsonSerializer.Serialize(offer), StringComparison.OrdinalIgnoreCase);
        using var rsa = RSA.Create();
        Assert.ThrowsAny<CryptographicException>(() => rsa.ImportPkcs8PrivateKey(offer.PrivateKey, out _));
    }

    [Fact]
    public async Task Importers_AreFewAtOnce()
    {
        await CreateExternal("many");
        for (var i = 0; i < KmsLimits.ImportersOfKey; i++) await Imports("many").MakeParameters(new(new($"caller{i}", "local", "r")));
        await Refused("conflict", () => Parameters("many"));
        await Imports("many").MakeParameters(new(new("caller3", "local", "r")));
        Time.Advance(TimeSpan.FromHours(24));
        await Parameters("many");
    }

    [Fact]
    public async Task PublicKeyAlone_Verifies_AndNothingElse_UntilThePrivateOneIsImported()
    {
        await Silo.Key("public").Create(new() { Caller = TestSilo.Caller, Spec = "ECC_NIST_P256", Origin = KeyOrigin.External, Exportable = true });
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = pair.ExportSubjectPublicKeyInfo();
        var key = await Import("public", publicKey);
        Assert.Equal((KeyState.Enabled, true), (key.State, Assert.Single(key.Versions).IsPublicOnly));
        var item = new SignItem(Plaintext);
        var signature = pair.SignData(Plaintext, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        Assert.True((await Signatures("public").Verify(new(TestSilo.Caller, new(item, signature)))).IsValid);
        await Refused("wrong_key_usage", () => Signatures("public").Sign(new(TestSilo.Caller, item)).AsTask());
        using var rsa = RSA.Create(2048);
        await Refused("wrong_key_usage", () => Silo.Grains.GetGrain<IKeyExportGrain>("public").Export(new(TestSilo.Caller, rsa.ExportSubjectPublicKeyInfo())));
        Assert.True((await Silo.Key("public").Validate(new(TestSilo.Caller))).Valid);
        Assert.Equal(publicKey, (await Silo.Grains.GetGrain<IPublicKeyGrain>("public").Read(new(TestSilo.Caller))).PublicKey);
        Assert.Single((await Import("public", publicKey)).Versions);
        Assert.All(await Silo.Grains.GetGrain<IKeyRowsGrain>("public").Check(new(TestSilo.Caller)), check => Assert.Null(check.Error));
        Assert.Equal(0, (await Describe("public")).Uses.Sign);

        await Restart();
        Assert.True((await Signatures("public").Verify(new(TestSilo.Caller, new(item, signature)))).IsValid);
        key = await Import("public", pair.ExportPkcs8PrivateKey());
        Assert.Equal([true, false], key.Versions.Select(version => version.IsPublicOnly));
        Assert.Equal(2, (await Signatures("public").Sign(new(TestSilo.Caller, item))).KeyVersion);
        Assert.Equal(1, (await DestroyVersion("public", 1)).Versions.Count(version => version.State == KeyVersionState.Destroyed));
    }

    [Fact]
    public async Task Exported_IsWhatWasImported_AndOnlyWhereTheKeyWasMadeSo()
    {
        using var rsa = RSA.Create(2048);
        var wrapping = rsa.ExportSubjectPublicKeyInfo();
        await Silo.Key("leaves").Create(new() { Caller = TestSilo.Caller, Origin = KeyOrigin.External, Exportable = true });
        await Refused("key_pending_import", () => Export("leaves", wrapping));
        await Import("leaves", _material);
        await Import("leaves", _next);
        Assert.Equal(_material, Unwrapped(rsa, (await Export("leaves", wrapping, 1)).WrappedMaterial));
        var newest = await Export("leaves", wrapping);
        Assert.Equal((2, true), (newest.KeyVersion, Unwrapped(rsa, newest.WrappedMaterial)!.SequenceEqual(_next)));
        await Refused("not_found", () => Export("leaves", wrapping, 3));
        await Silo.Key("leaves").DisableVersion(new(TestSilo.Caller, 1));
        await Refused("version_not_usable", () => Export("leaves", wrapping, 1));
        await Silo.Key("leaves").Disable(new(TestSilo.Caller));
        await Refused("key_disabled", () => Export("leaves", wrapping));
        await CreateExternal("stays");
        await Import("stays", _material);
        await Refused("not_exportable", () => Export("stays", wrapping));
        await Silo.Create("made.here");
        await Refused("not_exportable", () => Export("made.here", wrapping));
        await Refused("invalid_parameter", () => Export("leaves", []));
    }

    /// <summary>Parameters from before the rule, or of an approval that ended, do not get round it.</summary>
    [Fact]
    public async Task RuleThatGuardsImports_IsJudgedAtTheImport_AndAnApprovalPermitsOne()
    {
        await CreateExternal("ruled");
        var early = await Parameters("ruled");
        await Silo.Key("ruled").Update(new() { Caller = TestSilo.Caller, Approval = new(true, new(["import"], 1, ["alice", "bob"], TimeSpan.FromDays(7))) });
        await Refused("conflict", () => Imports("ruled").Import(new(TestSilo.Caller, early.ImportToken, Wrapped(early, _material))));
        Assert.Equal(KeyState.PendingImport, (await Describe("ruled")).State);

        var approval = await Approved("ruled", () => Parameters("ruled"));
        Assert.Equal(Time.GetUtcNow() + KmsLimits.GrantLife, approval.ExpiresAt);
        var parameters = await Parameters("ruled");
        Silo.Principals.Fallen = "alice";
        await Refused("conflict", () => Imports("ruled").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material))));
        await Refused("approval_pending", () => Parameters("ruled"));
        Silo.Principals.Fallen = null;
        Assert.Equal(1, (await Imports("ruled").Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, _material)))).PrimaryVersion);
        await Refused("approval_pending", () => Parameters("ruled"));
        await Restart();
        await Refused("approval_pending", () => Parameters("ruled"));
        await Refused("conflict", () => Approvals("ruled").Cancel(new(TestSilo.Caller, approval.Id)));
    }

    [Fact]
    public async Task Grant_IsEndedByRejectAndCancel_ByADay_AndByAShorterRule()
    {
        using var rsa = RSA.Create(2048);
        var wrapping = rsa.ExportSubjectPublicKeyInfo();
        var rule = new ApprovalRule(["export"], 1, ["alice", "bob"], TimeSpan.FromDays(365));
        await Silo.Key("granted").Create(new() { Caller = TestSilo.Caller, Exportable = true, Approval = rule });
        var approval = await Approved("granted", () => Export("granted", wrapping));
        await Export("granted", wrapping);
        await Export("granted", wrapping);
        Silo.Principals.Fallen = "alice";
        await Refused("approval_pending", () => Export("granted", wrapping));
        Silo.Principals.Fallen = null;
        await Export("granted", wrapping);
        await Refused("permission_denied", () => Approvals("granted").Reject(new(TestSilo.Caller, approval.Id)));
        Assert.Equal(ApprovalState.Rejected, (await Approvals("granted").Reject(new(new("bob", "local", "r"), approval.Id))).State);
        await Refused("approval_pending", () => Export("granted", wrapping));

        approval = await Approved("granted", () => Export("granted", wrapping));
        await Export("granted", wrapping);
        Assert.Equal(ApprovalState.Cancelled, (await Approvals("granted").Cancel(new(TestSilo.Caller, approval.Id))).State);
        await Refused("approval_pending", () => Export("granted", wrapping));

        await Approved("granted", () => Export("granted", wrapping));
        Time.Advance(KmsLimits.GrantLife - TimeSpan.FromSeconds(1));
        await Export("granted", wrapping);
        Time.Advance(TimeSpan.FromSeconds(1));
        await Refused("approval_pending", () => Export("granted", wrapping));

        approval = await Approved("granted", () => Export("granted", wrapping));
        Time.Advance(TimeSpan.FromHours(2));
        await Export("granted", wrapping);
        await Silo.Key("granted").Update(new() { Caller = TestSilo.Caller, Approval = new(true, rule with { Expires = TimeSpan.FromHours(1) }) });
        await Refused("approval_pending", () => Export("granted", wrapping));
        await Refused("conflict", () => Approvals("granted").Cancel(new(TestSilo.Caller, approval.Id)));
    }

    /// <summary>Where nonces are counted, material that a destroyed version had does not come back with a count of nothing.</summary>
    [Fact]
    public async Task DestroyedMaterial_OfLimitedUse_IsNotImportedAgain()
    {
        await CreateExternal("counted");
        await Import("counted", _material);
        await Encrypt("counted");
        await Import("counted", _next);
        Assert.Equal(2, (await Import("counted", _material)).Versions.Length);
        await DestroyVersion("counted", 1);
        await Refused("conflict", () => Import("counted", _material));
        await Restart();
        await Refused("conflict", () => Import("counted", _material));
        Assert.Equal(2, (await Describe("counted")).Versions.Length);
        var row = (await Row<KeyRow>("counted", RowNames.Key))!;
        Assert.All(row.Versions, version => Assert.Equal(16, version.Fingerprint!.Length));
        Assert.NotEqual(row.Versions[0].Fingerprint, row.Versions[1].Fingerprint);

        await Silo.Key("uncounted").Create(new() { Caller = TestSilo.Caller, Spec = "HMAC_256", Origin = KeyOrigin.External });
        await Import("uncounted", _material);
        await Import("uncounted", _next);
        await DestroyVersion("uncounted", 1);
        Assert.Equal(3, (await Import("uncounted", _material)).PrimaryVersion);
        Assert.All((await Row<KeyRow>("uncounted", RowNames.Key))!.Versions, version => Assert.Null(version.Fingerprint));

        await Silo.Key("counted").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(KeyState.Destroyed, (await Describe("counted")).State);
        Assert.All((await Row<KeyRow>("counted", RowNames.Key))!.Versions, version => Assert.Null(version.Fingerprint));
    }

    [Fact]
    public async Task WhileAProgramOfLevel5MayRun_NothingIsExported_AndNoRuleGuardsImports()
    {
        using var rsa = RSA.Create(2048);
        await KeyDatabase.Scalar(Silo, "UPDATE okms_schema SET least_program_version = 4, feature_level = 5");
        await Restart();
        var imports = new ApprovalRule(["import"], 1, ["alice"], TimeSpan.FromDays(7));
        await Refused("conflict", () => Silo.Key("new").Create(new() { Caller = TestSilo.Caller, Approval = imports }));
        await Silo.Key("old").Create(new() { Caller = TestSilo.Caller, Exportable = true, Approval = imports with { Operations = ["export"] } });
        await Refused("conflict", () => Silo.Key("old").Update(new() { Caller = TestSilo.Caller, Approval = new(true, imports with { Operations = ["export", "import"] }) }));
        await Refused("conflict", () => Export("old", rsa.ExportSubjectPublicKeyInfo()));
        await Silo.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Refused("approval_pending", () => Export("old", rsa.ExportSubjectPublicKeyInfo()));
        await Silo.Key("new").Create(new() { Caller = TestSilo.Caller, Approval = imports });
    }

    private protected override void Configure(IServiceCollection services) => services.AddSingleton<WrappingKeys>(new OneWrappingKey());

    private IKeyApprovalsGrain Approvals(string id) => Silo.Grains.GetGrain<IKeyApprovalsGrain>(id);

    /// <summary>Asks for what a rule guards, and has it approved by alice.</summary>
    private async Task<ApprovalDescription> Approved(string id, Func<Task> request)
    {
        var waits = (await Assert.ThrowsAsync<KmsException>(request)).Approval!;
        var approval = await Approvals(id).Approve(new(new("alice", "local", "r"), waits.Id));
        Assert.Equal(ApprovalState.Executed, approval.State);
        return approval;
    }

    /// <summary>The same key each time, since making one takes as long as everything else.</summary>
    private sealed class OneWrappingKey : WrappingKeys
    {
        private static readonly RSA _key = RSA.Create(3072);

        public override Task<WrappingKey> Make(CancellationToken cancellationToken) => Task.FromResult(
            new WrappingKey(SecretBytes.CopyOf(_key.ExportPkcs8PrivateKey()), _key.ExportSubjectPublicKeyInfo()));
    }

    private Task<KeyDescription> CreateExternal(string id) => Silo.Key(id).Create(new() { Caller = TestSilo.Caller, Origin = KeyOrigin.External });

    private IKeyImportGrain Imports(string id) => Silo.Grains.GetGrain<IKeyImportGrain>(id);

    private IKeySignaturesGrain Signatures(string id) => Silo.Grains.GetGrain<IKeySignaturesGrain>(id);

    private Task<ExportedKey> Export(string id, byte[] wrapping, int? version = null) =>
        Silo.Grains.GetGrain<IKeyExportGrain>(id).Export(new(TestSilo.Caller, wrapping, version));

    private Task<ImportParameters> Parameters(string id) => Imports(id).MakeParameters(new(TestSilo.Caller));

    private async Task<KeyDescription> Import(string id, byte[] material)
    {
        var parameters = await Parameters(id);
        return await Imports(id).Import(new(TestSilo.Caller, parameters.ImportToken, Wrapped(parameters, material)));
    }

    /// <summary>One error, with one text.</summary>
    private static async Task NotUnwrapped(Func<Task> import)
    {
        var refusal = await Assert.ThrowsAsync<KmsException>(import);
        Assert.Equal(
            ("invalid_parameter", "The import token is not good for this key and caller, or the material does not unwrap; ask for new import parameters."),
            (refusal.Code, refusal.Message));
    }

    private static async Task<string?> Outcome(Task import) => ((await Record.ExceptionAsync(() => import)) as KmsException)?.Code;

    /// <summary>As a client does it.</summary>
    private static byte[] Wrapped(ImportParameters parameters, byte[] material)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(parameters.WrappingPublicKey, out _);
        using var aes = Aes.Create();
        return [.. rsa.Encrypt(aes.Key, RSAEncryptionPadding.OaepSHA256), .. aes.EncryptKeyWrapPadded(material)];
    }

    private static byte[] Unwrapped(RSA rsa, byte[] wrapped)
    {
        using var aes = Aes.Create();
        aes.Key = rsa.Decrypt(wrapped[..(rsa.KeySize / 8)], RSAEncryptionPadding.OaepSHA256);
        return aes.DecryptKeyWrapPadded(wrapped.AsSpan(rsa.KeySize / 8));
    }
}
