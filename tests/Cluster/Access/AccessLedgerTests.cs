using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Access;

/// <summary>Principals in both databases: what is told of them, across crashes and in spite of rows that somebody puts back.</summary>
public sealed class AccessLedgerTests
{
    private static readonly byte[] _administrator = "the administrator's token"u8.ToArray();
    private static readonly AdministratorProof _proof = new(_administrator);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Principal_IsFoundByItsCredentials_AndNotOnceTheyOrItAreGone(string kind)
    {
        using var database = await KeyDatabase.Make(kind);
        await using var silo = await Start(database);
        await Create(silo, "ci", certificates: ["spiffe://host/ci"], jwt: [new("https://issuer", "repo:1")], policies: ["key-user"]);
        var token = await Token(silo, "ci");
        var (byCertificate, byJwt) = (CredentialName.OfCertificate("spiffe://host/ci"), CredentialName.OfJwt("https://issuer", "repo:1"));
        foreach (var credential in (string[])[CredentialName.OfToken(token.Id), byCertificate, byJwt])
        {
            var found = await Find(silo, credential);
            Assert.Equal(("ci", true, "key-user"), (found!.Name, found.IsEnabled, Assert.Single(found.Policies).Name));
        }

        Assert.Equal(ApiToken.Hash(token.Token), (await Find(silo, CredentialName.OfToken(token.Id)))!.TokenSha256);
        Assert.Null(await Find(silo, CredentialName.OfCertificate("spiffe://host/other")));
        Assert.Null(await Find(silo, CredentialName.OfJwt("https://issuer", "repo:2")));

        await Principals(silo).Update(new() { Caller = TestSilo.Caller, Proof = _proof, Name = "ci", Certificates = [] });
        Assert.Null(await Find(silo, byCertificate));
        await Principals(silo).RevokeToken(new(TestSilo.Caller, "ci", token.Id, _proof));
        Assert.Null(await Find(silo, CredentialName.OfToken(token.Id)));
        await Principals(silo).Disable(new(TestSilo.Caller, "ci", _proof));
        Assert.False((await Find(silo, byJwt))!.IsEnabled);
        await Principals(silo).Delete(new(TestSilo.Caller, "ci", _proof));
        Assert.Null(await Find(silo, byJwt));
        await Create(silo, "ci");
        Assert.Null(await Find(silo, byJwt));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Crash_BetweenTheWrites_LeavesTheChangeOpen_AndTheNextOneClosesIt(string kind)
    {
        using var database = await KeyDatabase.Make(kind);
        var silo = await Start(database);
        try
        {
            // The principal is read, then the ledger; the ledger is written, then the principal, then the ledger. Each has a point before
            // and one after it.
            foreach (var (point, isOpen, isDisabled) in ((int, bool, bool)[])
                [(4, false, false), (5, true, false), (6, true, false), (7, true, true), (8, true, true), (9, false, true)])
            {
                var (name, san) = ($"p{point}", $"p{point}.example");
                await Create(silo, name, certificates: [san]);
                var before = await Order(silo);
                await Restart();
                silo.Gate.FailFrom(point, Unknown());
                await Assert.ThrowsAsync<KmsException>(() => Principals(silo).Disable(new(TestSilo.Caller, name, _proof)));
                await Restart();

                var ledger = await Ledger(silo);
                Assert.Equal(isOpen ? "principal:" + name : null, ledger.Pending);
                Assert.Equal(isDisabled, !(await Find(silo, CredentialName.OfCertificate(san)))!.IsEnabled);
                Assert.Equal(isOpen || isDisabled, (await Changes(silo, before)).Names.Contains("principal:" + name));

                var open = await Order(silo);
                await Create(silo, $"other{point}");
                Assert.Null((await Ledger(silo)).Pending);
                // Whoever has looked while it was open looks again.
                Assert.Equal(isOpen, (await Changes(silo, open)).Names.Contains("principal:" + name));
                Assert.Equal(isDisabled, !(await Find(silo, CredentialName.OfCertificate(san)))!.IsEnabled);
            }
        }
        finally
        {
            await silo.DisposeAsync();
        }

        async Task Restart()
        {
            await silo.Kill();
            silo = await Start(database);
        }
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task OlderRow_PutBack_IsNotBelieved_ByASiloThatHasSeenTheNewerOne_NorByOneThatStarts(string kind)
    {
        using var database = await KeyDatabase.Make(kind);
        var silo = await Start(database);
        try
        {
            await Create(silo, "ci");
            var token = await Token(silo, "ci");
            Assert.NotNull(await Find(silo, CredentialName.OfToken(token.Id)));
            var rows = new Dictionary<string, byte[]>
            {
                [RowNames.Principal] = await Payload(silo, RowNames.Principal, "ci"),
                [RowNames.Credential] = await Payload(silo, RowNames.Credential, CredentialName.RowKey(CredentialName.OfToken(token.Id))),
                [RowNames.AccessLedger] = await Payload(silo, RowNames.AccessLedger, "ledger"),
            };
            await Principals(silo).RevokeToken(new(TestSilo.Caller, "ci", token.Id, _proof));
            Assert.Null(await Find(silo, CredentialName.OfToken(token.Id)));

            await Put(silo, RowNames.Principal, "ci", rows[RowNames.Principal]);
            await Put(silo, RowNames.Credential, CredentialName.RowKey(CredentialName.OfToken(token.Id)), rows[RowNames.Credential]);
            Assert.Null(await Find(silo, CredentialName.OfToken(token.Id)));
            await silo.DisposeAsync();
            silo = await Start(database);
            Assert.Null(await Find(silo, CredentialName.OfToken(token.Id)));

            // The ledger, too: who has seen the newer one goes on by it.
            var order = await Order(silo);
            await Put(silo, RowNames.AccessLedger, "ledger", rows[RowNames.AccessLedger]);
            await Task.Delay(AccessFacts.FreshFor);
            Assert.Equal(order, await Order(silo));
            Assert.Null(await Find(silo, CredentialName.OfToken(token.Id)));
        }
        finally
        {
            await silo.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Credential_BelongsToOne_AndWhatACrashLeftBehindToNobody(string kind)
    {
        using var database = await KeyDatabase.Make(kind);
        await using var silo = await Start(database);
        await Create(silo, "first", certificates: ["host.example"]);
        await Refused("conflict", () => Create(silo, "second", certificates: ["host.example"]));
        await Principals(silo).Update(new() { Caller = TestSilo.Caller, Proof = _proof, Name = "first", Certificates = ["other.example"] });
        await Create(silo, "second", certificates: ["host.example"]);
        Assert.Equal("second", (await Find(silo, CredentialName.OfCertificate("host.example")))!.Name);

        // What leads to a principal whose row was never written.
        await silo.Services.GetRequiredService<PrincipalRows>().Assign(CredentialName.OfCertificate("left.example"), "first");
        Assert.Null(await Find(silo, CredentialName.OfCertificate("left.example")));
        await Create(silo, "third", certificates: ["left.example"]);
        Assert.Equal("third", (await Find(silo, CredentialName.OfCertificate("left.example")))!.Name);
    }

    [Fact]
    public async Task TwoActivations_WhatTheOvertakenOneWrites_IsToldToo()
    {
        using var database = await KeyDatabase.Make("postgres");
        await using var overtaken = await Start(database);
        await using var other = await Start(database);
        await Create(overtaken, "x", certificates: ["x.example"]);
        await Create(overtaken, "y", certificates: ["y.example"]);

        // Held before it writes the principal's row, after the ledger.
        overtaken.Gate.HoldAt(4);
        var disabling = Principals(overtaken).Disable(new(TestSilo.Caller, "x", _proof));
        await overtaken.Gate.Reached;
        await Principals(other).Disable(new(TestSilo.Caller, "y", _proof));
        var order = await Order(other);
        overtaken.Gate.Release();
        await disabling;
        Assert.Contains("principal:x", (await Changes(other, order)).Names);
        Assert.False((await Find(other, CredentialName.OfCertificate("x.example")))!.IsEnabled);
        Assert.Null((await Ledger(other)).Pending);
    }

    [Fact]
    public async Task Changes_NameWhatWasTouched_AndEverythingWhereThatIsNotRememberedAnyMore()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        Assert.Equal((0, false), ((await Changes(silo, 0)).Order, (await Changes(silo, 0)).Everything));
        await Create(silo, "a");
        var first = await Order(silo);
        Assert.Empty((await Changes(silo, first)).Names);
        await Create(silo, "b");
        var changes = await Changes(silo, first);
        Assert.Equal((false, "principal:b"), (changes.Everything, Assert.Single(changes.Names)));
        for (var i = 0; i < AccessLedgerRow.MaxEntries; i++) await Create(silo, "c" + i);
        Assert.True((await Changes(silo, first)).Everything);
        Assert.False((await Changes(silo, await Order(silo))).Everything);
    }

    [Fact]
    public async Task Change_WithoutProof_IsRefused_AndByATokenItIsMadeByWhoMay()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        await Create(silo, "operator", policies: ["administrator"]);
        await Create(silo, "user", policies: ["key-user"]);
        var (operators, users) = (Proof((await Token(silo, "operator")).Token), Proof((await Token(silo, "user")).Token));
        foreach (var proof in (AdministratorProof?[])[null, new("wrong"u8.ToArray()), users, Proof(ApiToken.New().Text)])
        {
            await Refused("permission_denied", () => Principals(silo).Create(new() { Caller = TestSilo.Caller, Proof = proof, Name = "mine" }));
            await Refused("permission_denied", () => Principals(silo).Disable(new(TestSilo.Caller, "operator", proof)));
            await Refused("permission_denied", () => silo.Grains.GetGrain<IKekRingGrain>(0).List(new(TestSilo.Caller, proof)));
        }

        await Principals(silo).Create(new() { Caller = TestSilo.Caller, Proof = operators, Name = "mine" });
        Assert.NotEmpty(await silo.Grains.GetGrain<IKekRingGrain>(0).List(new(TestSilo.Caller, operators)));
        await Principals(silo).Disable(new(TestSilo.Caller, "operator", _proof));
        await Refused("permission_denied", () => Principals(silo).Disable(new(TestSilo.Caller, "mine", operators)));
    }

    [Fact]
    public async Task LastUse_IsKeptBesideThePrincipal_AndChangesNothingElse()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        await Create(silo, "ci");
        var (used, unused) = (await Token(silo, "ci"), await Token(silo, "ci"));
        var order = await Order(silo);
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero);
        var uses = silo.Grains.GetGrain<ITokenUsesGrain>("ci");
        await uses.Note(new(TestSilo.Caller, used.Id, at));
        await uses.Note(new(TestSilo.Caller, used.Id, at.AddMinutes(-1)));
        await uses.Note(new(TestSilo.Caller, "0123456789abcdef", at));
        await silo.Grains.GetGrain<ITokenUsesGrain>("nobody").Note(new(TestSilo.Caller, used.Id, at));
        var tokens = await Principals(silo).ListTokens(new(TestSilo.Caller, "ci"));
        Assert.Equal([(used.Id, at), (unused.Id, null)], tokens.Select(token => (token.Id, token.LastUsedAt)));
        Assert.Equal(order, await Order(silo));
        Assert.Equal(1, await KeyDatabase.Count(silo, "okms_row WHERE row_name = 'principal.uses'"));
    }

    private static Task<TestSilo> Start(KeyDatabase database) => TestSilo.Start(
        database.Options, services: services => services.AddSingleton(new OwnAdministrator(SHA256.HashData(_administrator))));

    private static IPrincipalsGrain Principals(TestSilo silo) => silo.Grains.GetGrain<IPrincipalsGrain>(IPrincipalsGrain.Key);

    private static AdministratorProof Proof(string token) => new(System.Text.Encoding.ASCII.GetBytes(token));

    private static Task<PrincipalDescription> Create(
        TestSilo silo, string name, string[]? certificates = null, JwtIdentity[]? jwt = null, string[]? policies = null) =>
        Principals(silo).Create(new()
        {
            Caller = TestSilo.Caller,
            Proof = _proof,
            Name = name,
            Certificates = certificates ?? [],
            Jwt = jwt ?? [],
            Policies = policies ?? [],
        });

    private static Task<CreatedToken> Token(TestSilo silo, string name) =>
        Principals(silo).CreateToken(new(TestSilo.Caller, name, TimeSpan.FromDays(1), null, _proof));

    private static ValueTask<PrincipalFacts?> Find(TestSilo silo, string credential) => silo.Services.GetRequiredService<AccessFacts>().Find(credential);

    /// <summary>What has changed, once the silo has read the ledger again.</summary>
    private static async Task<AccessChanges> Changes(TestSilo silo, long since)
    {
        var known = (await Ledger(silo)).Revision;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var changes = await silo.Grains.GetGrain<IAccessFactsGrain>(0).Changes(new(TestSilo.Caller, since));
            if (SeenOrder.RevisionOf(changes.Order, 0) >= known) return changes;
            await Task.Delay(20, patience.Token);
        }
    }

    private static async Task<long> Order(TestSilo silo) => (await Changes(silo, 0)).Order;

    private static async Task<AccessLedgerRow> Ledger(TestSilo silo)
    {
        var slot = new RowSlot<AccessLedgerRow>(silo.Rows, AccessLedgerRow.Grain, RowNames.AccessLedger);
        await slot.Read();
        return slot.Row ?? new();
    }

    private static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);

    private static StorageFailedException Unknown() => new("the connection broke", outcomeUnknown: true, new IOException("broken"));

    private static async Task<byte[]> Payload(TestSilo silo, string row, string key)
    {
        await using var connection = await silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command(
            "SELECT payload FROM okms_row WHERE row_name = @row AND grain_key = @key", ("row", row), ("key", "=" + key));
        return (byte[])(await command.ExecuteScalarAsync())!;
    }

    private static async Task Put(TestSilo silo, string row, string key, byte[] payload)
    {
        await using var connection = await silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command(
            "UPDATE okms_row SET payload = @payload WHERE row_name = @row AND grain_key = @key",
            ("payload", payload), ("row", row), ("key", "=" + key));
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }
}
