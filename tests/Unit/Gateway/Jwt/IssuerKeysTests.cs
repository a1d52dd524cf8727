using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Access.Jwt;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>An issuer that rotates its keys, is away, and comes back, with a clock that the tests move.</summary>
public sealed class IssuerKeysTests : IDisposable
{
    private static readonly JwtSigner _old = JwtSigner.Rsa("old");
    private static readonly JwtSigner _new = JwtSigner.Rsa("new");

    private readonly JwtGateway _gateway = new() { KeySet = JwtSigner.KeySet(_old) };

    public void Dispose() => _gateway.Dispose();

    [Fact]
    public async Task RotatedKey_IsReadWhenATokenNamesIt()
    {
        await _gateway.Refresh();
        Assert.Equal(LookupState.Found, await Find(_old));
        _gateway.KeySet = JwtSigner.KeySet(_old, _new);
        _gateway.Time.Advance(IssuerKeys.MinPause);
        Assert.Equal(LookupState.Found, await Find(_new));
        Assert.Equal(LookupState.Found, await Find(_old));
        Assert.Equal(2, _gateway.Reads);
    }

    [Fact]
    public async Task InventedKeys_HaveTheIssuerAskedOnceInAWhile()
    {
        await _gateway.Refresh();
        for (var i = 0; i < 50; i++) Assert.Equal(LookupState.Nobody, await Find(_new.As("RS256", "invented-" + i)));
        Assert.Equal(1, _gateway.Reads);
        _gateway.Time.Advance(IssuerKeys.MinPause);
        for (var i = 0; i < 50; i++) await Find(_new.As("RS256", "invented-" + i));
        Assert.Equal(2, _gateway.Reads);
    }

    [Fact]
    public async Task IssuerThatIsAway_LeavesItsKeys_ForADay()
    {
        await _gateway.Refresh();
        Assert.Equal(LookupState.Found, await Find(_old));
        _gateway.KeySet = null;
        _gateway.Time.Advance(IssuerKeys.HoldFor);
        await _gateway.Keys.Refresh();
        Assert.Equal((true, true), (_gateway.Keys.IsAway, _gateway.Issuers.AreKnown));
        Assert.Equal("A JWT issuer is unreachable; its last known keys are used.", _gateway.Issuers.Problem);
        Assert.Equal(LookupState.Found, await Find(_old));
        // It may have this key since: whether it has, nobody can tell.
        Assert.Equal(LookupState.CannotTell, await Find(_new));
        var kept = _old.Sign(_gateway.Claims());
        Assert.Equal(LookupState.Found, (await _gateway.Find(kept)).State);

        _gateway.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LookupState.CannotTell, (await _gateway.Find(kept)).State);
        Assert.False(_gateway.Issuers.AreKnown);
        _gateway.KeySet = JwtSigner.KeySet(_new);
        _gateway.Time.Advance(IssuerKeys.MinPause);
        Assert.Equal(LookupState.Found, await Find(_new));
        Assert.Equal(LookupState.Nobody, (await _gateway.Find(kept)).State);
        Assert.Equal((false, null), (_gateway.Keys.IsAway, _gateway.Issuers.Problem));
    }

    [Fact]
    public async Task IssuerThatWasNeverThere_IsFoundWhenItComes()
    {
        await _gateway.Refresh();
        _gateway.KeySet = null;
        Assert.Equal(LookupState.CannotTell, await Find(_old));
        Assert.Equal("The keys of a JWT issuer are unknown; its tokens cannot be checked.", _gateway.Issuers.Problem);
        _gateway.KeySet = JwtSigner.KeySet(_old);
        Assert.Equal(LookupState.CannotTell, await Find(_old));
        _gateway.Time.Advance(IssuerKeys.MinPause);
        Assert.Equal(LookupState.Found, await Find(_old));
    }

    [Fact]
    public async Task DocumentThatIsNone_IsAsIfTheIssuerWereAway_AndAnEmptySetIsNot()
    {
        await _gateway.Refresh();
        Assert.Equal(LookupState.Found, await Find(_old));
        _gateway.KeySet = "<html>";
        await _gateway.Keys.Refresh();
        Assert.Equal((LookupState.Found, true), (await Find(_old), _gateway.Keys.IsAway));
        _gateway.KeySet = """{"keys":[]}""";
        await _gateway.Keys.Refresh();
        Assert.Equal((LookupState.Nobody, false), (await Find(_old), _gateway.Keys.IsAway));
    }

    [Fact]
    public async Task Keys_AreReadAgainByThemselves()
    {
        using var stopping = new CancellationTokenSource();
        var reading = _gateway.Keys.KeepFresh(stopping.Token);
        _gateway.KeySet = JwtSigner.KeySet(_new);
        var changedAt = _gateway.Time.GetUtcNow();
        while (_gateway.Keys.Current?.Find("new", "RS256") is null)
        {
            await Task.Delay(1);
            _gateway.Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.InRange(_gateway.Time.GetUtcNow() - changedAt, TimeSpan.Zero, IssuerKeys.FreshFor + TimeSpan.FromMinutes(5));
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    /// <summary>Nobody is spared by reading a file more rarely, and who puts it right is promised that it is read in a moment.</summary>
    [Fact]
    public async Task KeysInAFile_AreReadEveryFewSeconds_HoweverOftenThatFailed()
    {
        var (time, reads) = (new RecordedDelays(), 0);
        var keys = new IssuerKeys(
            new() { Name = JwtGateway.Issuer, Audiences = [JwtGateway.Audience], KeyFile = "keys" },
            _ => reads++ % 20 < 15 ? Task.FromException<byte[]>(new IOException("missing")) : Task.FromResult(System.Text.Encoding.UTF8.GetBytes(JwtSigner.KeySet(_old))),
            time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        using var stopping = new CancellationTokenSource();
        var reading = keys.KeepFresh(stopping.Token);
        for (var i = 1; i <= 40; i++)
        {
            Assert.Equal(IssuerKeys.FileFreshFor, await time.Next());
            Assert.Equal(i, reads);
            time.Advance(IssuerKeys.FileFreshFor);
        }

        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task ManyWhoWaitForTheIssuer_AskOnce_AndTooManyAtOnceHearThatNobodyCanTell()
    {
        var (asked, answer) = (0, new TaskCompletionSource<byte[]>());
        var keys = new IssuerKeys(
            _gateway.Keys.Issuer, _ => { asked++; return answer.Task; }, _gateway.Time, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var waiting = Enumerable.Range(0, IssuerKeys.MaxWaiting).Select(_ => keys.Find("old", "RS256").AsTask()).ToList();
        Assert.Equal(LookupState.CannotTell, (await keys.Find("old", "RS256")).State);
        answer.SetResult(System.Text.Encoding.UTF8.GetBytes(JwtSigner.KeySet(_old)));
        Assert.All(await Task.WhenAll(waiting), found => Assert.Equal("old", found.Key?.Id));
        Assert.Equal(1, asked);
    }

    // A token of its own each time, so that none is kept.
    private async Task<LookupState> Find(JwtSigner signer) =>
        (await _gateway.Find(signer.Sign(_gateway.Claims($"\"jti\":\"{Guid.NewGuid()}\",")), Guid.NewGuid().ToString())).State;

    /// <summary>A clock that says how long somebody is about to wait, except for a fetch to end.</summary>
    private sealed class RecordedDelays : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _delays = Channel.CreateUnbounded<TimeSpan>();

        public async Task<TimeSpan> Next()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            return await _delays.Reader.ReadAsync(patience.Token);
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime != IssuerDocuments.Patience) _delays.Writer.TryWrite(dueTime);
            return timer;
        }
    }
}
