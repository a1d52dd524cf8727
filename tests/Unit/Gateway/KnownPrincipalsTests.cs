using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>What a gateway keeps of principals, and when it forgets, with a clock that the tests move.</summary>
public sealed class KnownPrincipalsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeCluster _cluster = new();

    // The silo that makes the changes: away, but where a test says otherwise.
    private readonly FakeCluster _changer = new() { IsAway = true };
    private readonly KnownPrincipals _principals;
    private readonly Credentials _credentials;
    private readonly (string Id, string Text) _token = ApiToken.New();

    public KnownPrincipalsTests()
    {
        _principals = new(_ => _cluster, ClusterLink.InProcess, _time, NullLogger.Instance, _changer.Changes);
        _credentials = SignInParts.Credentials(new NoAdministrator(), _principals, _time);
        _cluster.Give(_token, "ci");
    }

    public void Dispose() => _principals.Dispose();

    [Fact]
    public async Task Known_IsAskedForOnce_AndThenCostsNoCall()
    {
        await _principals.Refresh();
        Assert.Equal(("ci", "token:" + _token.Id), await Found(_token.Text));
        for (var i = 0; i < 10; i++)
        {
            var again = _credentials.Find(Request(_token.Text), "here").AsTask();
            Assert.True(again.IsCompletedSuccessfully);
            Assert.Equal("ci", (await again).Principal!.Name);
        }

        Assert.Equal(1, _cluster.Found);
    }

    [Fact]
    public async Task BeforeTheClusterTells_AndWhenItHasNotForTooLong_NobodyCanTell()
    {
        Assert.Equal(LookupState.CannotTell, (await Find(_token.Text)).State);
        await _principals.Refresh();
        await Found(_token.Text);
        _cluster.IsAway = true;
        _time.Advance(FakeCluster.HoldsFor);
        Assert.Equal("ci", (await Find(_token.Text)).Principal!.Name);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LookupState.CannotTell, (await Find(_token.Text)).State);
        _cluster.IsAway = false;
        await _principals.Refresh();
        Assert.Equal("ci", (await Find(_token.Text)).Principal!.Name);
    }

    [Fact]
    public async Task WhatTheClusterNames_IsForgotten_WithinTheBound()
    {
        await _principals.StartAsync(CancellationToken.None);
        await _principals.Refresh();
        await Found(_token.Text);
        _cluster.Revoke(_token.Id, "principal:ci");
        var revokedAt = _time.GetUtcNow();
        while ((await Find(_token.Text)).Principal is not null)
        {
            await Task.Delay(1);
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.InRange(_time.GetUtcNow() - revokedAt, TimeSpan.Zero, KnownPrincipals.RevokedWithin);
        await _principals.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task GatewayThatWasLateToAsk_AsksBeforeItAnswers_ManyOnce()
    {
        await _principals.Refresh();
        await Found(_token.Text);
        _cluster.Revoke(_token.Id, "principal:ci");
        _time.Advance(KnownPrincipals.RevokedWithin);
        var asked = _cluster.Asked;
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Find(_token.Text))), lookup => Assert.Null(lookup.Principal));
        Assert.Equal(asked + 1, _cluster.Asked);
    }

    [Fact]
    public async Task AnswerThatCameBeforeThisProcessStoodStill_DoesNotCount()
    {
        await _principals.Refresh();
        await Found(_token.Text);
        _time.Advance(KnownPrincipals.RevokedWithin);
        var answer = _cluster.HoldChanges();
        var finding = Find(_token.Text);
        await _cluster.UntilAsked();

        // What the silo tells of is from before, and this process hears it so late that its patience should have ended.
        _cluster.Revoke(_token.Id, "principal:ci");
        _time.Advance(KnownPrincipals.RevokedWithin);
        answer.SetResult();
        Assert.Null((await finding).Principal);
    }

    [Fact]
    public async Task WhileNoSiloAnswers_WhatWasKnownHolds()
    {
        await _principals.StartAsync(CancellationToken.None);
        await _principals.Refresh();
        await Found(_token.Text);
        _cluster.IsAway = true;
        for (var second = 0; second < 30; second++)
        {
            // Nobody answers what is asked each second.
            for (var asked = _cluster.Asked; _cluster.Asked == asked; await Task.Delay(1)) _time.Advance(TimeSpan.FromMilliseconds(100));
            Assert.Equal("ci", (await Find(_token.Text)).Principal!.Name);
        }

        await _principals.StopAsync(CancellationToken.None);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SiloThatHasLostItsDatabase_TheOneThatMakesTheChangesIsAsked_AndWhatItRevokedIsRefused(bool isHung)
    {
        await _principals.StartAsync(CancellationToken.None);
        await _principals.Refresh();
        await Found(_token.Text);

        // From now on this gateway's silo tells what it read before, or nothing.
        (_cluster.ReadAt, _cluster.IsHung) = (_time.GetUtcNow(), isHung);
        (_cluster.Now, _changer.IsAway) = (_time.GetUtcNow, false);
        _changer.Change("principal:other");
        _changer.Change("principal:ci");
        var revokedAt = _time.GetUtcNow();
        _cluster.IsGone = true;
        while (true)
        {
            var finding = Find(_token.Text);
            do
            {
                await Task.Delay(1);
                _time.Advance(TimeSpan.FromMilliseconds(50));
            }
            while (!finding.IsCompleted);
            if ((await finding).Principal is null) break;
            Assert.InRange(_time.GetUtcNow() - revokedAt, TimeSpan.Zero, KnownPrincipals.RevokedWithin);
        }

        await _principals.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task WhileNoSiloHasItsDatabase_WhatWasKnownHolds_UntilItIsTooOld()
    {
        await _principals.Refresh();
        await Found(_token.Text);
        (_cluster.ReadAt, _cluster.Now) = (_time.GetUtcNow(), _time.GetUtcNow);
        for (var minute = 0; minute < 5; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await _principals.Refresh();
            Assert.Equal("ci", (await Find(_token.Text)).Principal!.Name);
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LookupState.CannotTell, (await Find(_token.Text)).State);
    }

    [Fact]
    public async Task APolicysChange_ForgetsWhoHasIt_AndNobodyElse()
    {
        var other = ApiToken.New();
        _cluster.Give(other, "other", "auditor");
        await _principals.Refresh();
        await Found(_token.Text);
        await Found(other.Text);
        _cluster.Change("policy:auditor");
        await _principals.Refresh();
        await Found(_token.Text);
        Assert.Equal(2, _cluster.Found);
        await Found(other.Text);
        Assert.Equal(3, _cluster.Found);
    }

    [Fact]
    public async Task AnswerFromBeforeAChange_ThatComesAfterIt_IsNotKept()
    {
        await _principals.Refresh();
        var before = _cluster.Hold();
        var finding = Find(_token.Text);
        _cluster.Revoke(_token.Id, "principal:ci");
        await _principals.Refresh();
        before.SetResult();
        Assert.Null((await finding).Principal);
        Assert.Null((await Find(_token.Text)).Principal);
    }

    [Fact]
    public async Task OlderState_PutBack_IsNotBelieved()
    {
        await _principals.Refresh();
        _cluster.Revoke(_token.Id, "principal:ci");
        await _principals.Refresh();
        Assert.Null((await Find(_token.Text)).Principal);
        _time.Advance(FakeCluster.HoldsFor);
        _cluster.Order = 0;
        await _principals.Refresh();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LookupState.CannotTell, (await Find(_token.Text)).State);
    }

    [Fact]
    public async Task WrongSecretDisabledAndExpired_AreNobody()
    {
        await _principals.Refresh();
        var text = _token.Text[..^1] + (_token.Text[^1] == 'A' ? 'B' : 'A');
        Assert.Equal(LookupState.Nobody, (await Find(text)).State);
        await Found(_token.Text);
        _time.Advance(FakeCluster.Life);
        await _principals.Refresh();
        Assert.Equal(LookupState.Nobody, (await Find(_token.Text)).State);

        var disabled = ApiToken.New();
        _cluster.Give(disabled, "off", isEnabled: false);
        _cluster.Change("principal:off");
        await _principals.Refresh();
        Assert.Equal(LookupState.Nobody, (await Find(disabled.Text)).State);
    }

    [Fact]
    public async Task UnknownIdWrongSecretRevokedAndDisabled_AreTheSameWork_AndTheSameAnswer()
    {
        var (revoked, disabled) = (ApiToken.New(), ApiToken.New());
        _cluster.Give(revoked, "was");
        _cluster.Revoke(revoked.Id, "principal:was");
        _cluster.Give(disabled, "off", isEnabled: false);
        await _principals.Refresh();
        var wrong = _token.Text[..^1] + (_token.Text[^1] == 'A' ? 'B' : 'A');
        foreach (var text in (string[])[ApiToken.New().Text, wrong, revoked.Text, disabled.Text])
        {
            var before = _cluster.Found;
            Assert.Equal(Lookup.Nobody, await Find(text));
            Assert.Equal(before + 1, _cluster.Found);
            // From then on without the cluster: the text is hashed once, and once is something looked up.
            for (var i = 0; i < 3; i++) Assert.Equal(Lookup.Nobody, await Find(text));
            Assert.Equal(before + 1, _cluster.Found);
        }
    }

    [Fact]
    public async Task UnknownId_IsAskedForOnceInAWhile()
    {
        await _principals.Refresh();
        var unknown = ApiToken.New().Text;
        for (var i = 0; i < 5; i++) Assert.Equal(LookupState.Nobody, (await Find(unknown)).State);
        Assert.Equal(1, _cluster.Found);
        _time.Advance(KnownPrincipals.UnknownFor);
        await _principals.Refresh();
        await Find(unknown);
        Assert.Equal(2, _cluster.Found);
    }

    [Fact]
    public async Task ManyWhoAskForOne_AskOnce_AndTooManyAtOnceAreRefused()
    {
        await _principals.Refresh();
        var held = _cluster.Hold();
        var same = Enumerable.Range(0, 5).Select(_ => Find(_token.Text)).ToList();
        var others = Enumerable.Range(1, KnownPrincipals.MaxAsked - 1).Select(_ => Find(ApiToken.New().Text)).ToList();
        Assert.Equal(LookupState.CannotTell, (await Find(ApiToken.New().Text)).State);
        held.SetResult();
        Assert.All(await Task.WhenAll(same), lookup => Assert.Equal("ci", lookup.Principal!.Name));
        Assert.All(await Task.WhenAll(others), lookup => Assert.Equal(LookupState.Nobody, lookup.State));
        Assert.Equal(KnownPrincipals.MaxAsked, _cluster.Found);
    }

    private async Task<(string Name, string Credential)> Found(string token)
    {
        var lookup = await Find(token);
        Assert.Equal(LookupState.Found, lookup.State);
        return (lookup.Principal!.Name, lookup.Principal.Credential);
    }

    private async Task<Lookup> Find(string token) => await _credentials.Find(Request(token), "here");

    private static HttpRequest Request(string token)
    {
        var http = new DefaultHttpContext();
        http.Request.Path = "/v1/keys";
        http.Request.Headers.Authorization = "Bearer " + token;
        return http.Request;
    }

    private sealed class NoAdministrator : IPrincipalSource
    {
        public bool IsReady => true;

        public Principal? Find(ReadOnlySpan<char> token) => null;
    }

    /// <summary>A cluster that tells what the test says.</summary>
    private sealed class FakeCluster : IAccessFactsGrain
    {
        public static readonly TimeSpan HoldsFor = TimeSpan.FromMinutes(5);
        public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

        private readonly Dictionary<string, PrincipalFacts> _facts = [];
        private readonly List<(long Order, string Name)> _changes = [];
        private Task _held = Task.CompletedTask;
        private Task _heldChanges = Task.CompletedTask;
        private TaskCompletionSource _isAsked = new();
        private int _asked;

        public bool IsAway { get; set; }

        /// <summary>Whether it answers nothing at all.</summary>
        public bool IsHung { get; set; }

        /// <summary>Whether it knows nobody.</summary>
        public bool IsGone { get; set; }

        /// <summary>When it last read the database; null for a moment ago.</summary>
        public DateTimeOffset? ReadAt { get; set; }

        public Func<DateTimeOffset> Now { get; set; } = () => default;

        public int Found { get; private set; }

        public int Asked => Volatile.Read(ref _asked);

        public long Order { get; set; } = 1;

        public void Give((string Id, string Text) token, string name, string policy = "key-user", bool isEnabled = true)
        {
            lock (_facts)
            {
                _facts["token:" + token.Id] = new()
                {
                    Name = name,
                    IsEnabled = isEnabled,
                    Policies = [BuiltInPolicies.All[policy]],
                    Limits = [],
                    TokenSha256 = ApiToken.Hash(token.Text),
                    ExpiresAt = new FakeTimeProvider().GetUtcNow() + Life,
                };
            }
        }

        public void Change(string name) => _changes.Add((++Order, name));

        public void Revoke(string id, string name)
        {
            lock (_facts) _facts.Remove("token:" + id);
            Change(name);
        }

        /// <summary>Holds answers that are read from now on.</summary>
        public TaskCompletionSource Hold()
        {
            var held = new TaskCompletionSource();
            _held = held.Task;
            return held;
        }

        /// <summary>Holds the next answer to what has changed.</summary>
        public TaskCompletionSource HoldChanges()
        {
            var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            (_heldChanges, _isAsked) = (held.Task, new(TaskCreationOptions.RunContinuationsAsynchronously));
            return held;
        }

        public Task UntilAsked() => _isAsked.Task;

        public async ValueTask<FoundPrincipal> Find(FindPrincipal query)
        {
            Found++;
            if (IsAway) throw KmsError.StorageUnavailable.Exception();
            PrincipalFacts? facts;
            lock (_facts) facts = IsGone ? null : _facts.GetValueOrDefault(query.Credential);
            await _held;
            return new(facts);
        }

        public async ValueTask<AccessChanges> Changes(AccessChangesQuery query)
        {
            var (held, isFirst) = (_heldChanges, _isAsked.TrySetResult());
            Interlocked.Increment(ref _asked);
            if (IsAway) throw KmsError.StorageUnavailable.Exception();
            if (IsHung) await new TaskCompletionSource().Task;
            var changes = new AccessChanges(
                Order, false, [.. _changes.Where(change => change.Order > query.Since).Select(change => change.Name)],
                ReadAt is { } readAt ? Now() - readAt : TimeSpan.Zero, HoldsFor);
            if (isFirst) await held;
            return changes;
        }
    }
}
