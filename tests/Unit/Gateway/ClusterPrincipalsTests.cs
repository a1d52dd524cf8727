using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class ClusterPrincipalsTests : IAsyncDisposable
{
    private const string First = "okms_0123456789abcdef";
    private const string Second = "okms_fedcba9876543210";

    private readonly FakeTimeProvider _time = new();
    private readonly ClusterLink _link = new(TimeProvider.System, NullLogger<ClusterLink>.Instance);
    private readonly Channel<TaskCompletionSource<SignInCredentials>> _questions =
        Channel.CreateUnbounded<TaskCompletionSource<SignInCredentials>>();
    private readonly ClusterPrincipals _principals;
    private readonly List<int> _ways = [];

    public ClusterPrincipalsTests() => _principals = new ClusterPrincipals(
        (way, _) =>
        {
            lock (_ways) _ways.Add(way);
            var question = new TaskCompletionSource<SignInCredentials>();
            _questions.Writer.TryWrite(question);
            return new(question.Task);
        },
        _link, _time, NullLogger.Instance);

    public async ValueTask DisposeAsync()
    {
        await _principals.StopAsync(CancellationToken.None);
        _principals.Dispose();
    }

    [Fact]
    public async Task BeforeTheFirstAnswer_NobodyIsFound_AndItSaysSo()
    {
        await Start();
        Assert.False(_principals.IsReady);
        Assert.Null(_principals.Find(First));
        Assert.True(CannotTell("Bearer " + First));
        Assert.False(CannotTell(null));
        await Answer(Hash(First), () => _principals.IsReady);
        Assert.Same(Principal.Administrator, _principals.Find(First));
        Assert.Null(_principals.Find(Second));
        Assert.False(CannotTell("Bearer " + Second));
    }

    [Fact]
    public async Task OlderToken_ThatASiloHasStartedWith_IsNotBelieved_AndAnotherSiloIsAsked()
    {
        await Start();
        await Answer(Hash(Second) with { Order = 2 }, () => _principals.IsReady);
        foreach (var older in new SignInCredentials[] { Hash(First) with { Order = 1 }, new(null) })
        {
            var asked = _ways.Count;
            await Answer(older, () => _ways.Count > asked);
            Assert.Same(Principal.Administrator, _principals.Find(Second));
            Assert.Null(_principals.Find(First));
        }

        Assert.True(_ways.Distinct().Count() > 1);
        await Answer(Hash(First) with { Order = 3 }, () => _principals.Find(First) is not null);
    }

    [Fact]
    public async Task NotConnected_NothingIsAsked()
    {
        await _principals.StartAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(_questions.Reader.TryRead(out _));
        Assert.False(_principals.IsReady);
    }

    [Fact]
    public async Task NoAdministratorYet_IsKnown_AndNobodyIsFound()
    {
        await Start();
        await Answer(new SignInCredentials(null), () => _principals.IsReady);
        Assert.Null(_principals.Find(First));
        Assert.Null(_principals.Find(""));
    }

    [Fact]
    public async Task ReplacedToken_IsRefused_WithinTheBound()
    {
        await Start();
        await Answer(Hash(First), () => _principals.Find(First) is not null);
        var replacedAt = _time.GetUtcNow();
        await Answer(Hash(Second), () => _principals.Find(Second) is not null);
        Assert.Null(_principals.Find(First));
        Assert.InRange(_time.GetUtcNow() - replacedAt, TimeSpan.Zero, ClusterPrincipals.RefusedWithin);
    }

    [Fact]
    public async Task GatewayThatStoodStill_CannotTell_BeforeItHasAskedAgain()
    {
        await Start();
        await Answer(Hash(First), () => _principals.Find(First) is not null);
        _time.Advance(ClusterPrincipals.RefusedWithin);
        Assert.Null(_principals.Find(First));
        Assert.True(CannotTell("Bearer " + First));
        await Answer(Hash(Second), () => _principals.IsReady);
        Assert.Null(_principals.Find(First));
        Assert.Same(Principal.Administrator, _principals.Find(Second));
    }

    [Fact]
    public async Task ClusterThatDoesNotAnswer_LastKnownHolds_ThenNobodyKnows_ThenItRecovers()
    {
        await Start();
        await Answer(Hash(First), () => _principals.IsReady);
        var deadline = _time.GetUtcNow() + ClusterPrincipals.HoldsFor - TimeSpan.FromSeconds(10);
        for (var failures = 0; _time.GetUtcNow() < deadline; failures++)
        {
            var question = await Asked();
            // Some fail, and some are never answered.
            if (failures % 2 == 0) question.SetException(KmsError.StorageUnavailable.Exception());
        }

        Assert.Same(Principal.Administrator, _principals.Find(First));
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.False(_principals.IsReady);
        Assert.Null(_principals.Find(First));
        await Answer(Hash(First), () => _principals.IsReady);
        Assert.Same(Principal.Administrator, _principals.Find(First));
    }

    [Fact]
    public async Task AnswersThatAge_HoldFromWhenTheyWereTrue()
    {
        await Start();
        await Answer(Hash(First), () => _principals.IsReady);
        var readAt = _time.GetUtcNow();
        // A silo without its database goes on to answer what it has read.
        while (_time.GetUtcNow() - readAt < ClusterPrincipals.HoldsFor - TimeSpan.FromSeconds(10))
        {
            Assert.Same(Principal.Administrator, _principals.Find(First));
            (await Asked()).SetResult(Hash(First) with { Age = _time.GetUtcNow() - readAt });
        }

        while (_time.GetUtcNow() - readAt <= ClusterPrincipals.HoldsFor)
        {
            (await Asked()).SetResult(Hash(First) with { Age = _time.GetUtcNow() - readAt });
        }

        // Who asked may not have taken the last answer yet; it is no younger than those before.
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(_principals.Find(First));
        Assert.False(_principals.IsReady);
    }

    [Fact]
    public async Task OlderAnswerOfAnotherSilo_DoesNotBringAReplacedTokenBack()
    {
        await Start();
        await Answer(Hash(Second), () => _principals.Find(Second) is not null);
        for (var i = 0; i < 5; i++)
        {
            (await Asked()).SetResult(Hash(First) with { Age = TimeSpan.FromMinutes(2) });
        }

        await Asked();
        Assert.NotNull(_principals.Find(Second));
        Assert.Null(_principals.Find(First));
    }

    [Fact]
    public async Task SiloWithoutItsDatabase_AnotherIsAsked()
    {
        await Start();
        await Answer(Hash(First), () => _principals.IsReady);
        (await Asked()).SetResult(Hash(First));
        lock (_ways) Assert.Single(_ways.Distinct());
        for (var i = 0; i < ClusterPrincipals.Ways; i++)
        {
            var question = await Asked();
            if (i % 2 == 0) question.SetResult(Hash(First) with { Age = TimeSpan.FromMinutes(1) });
            else question.SetException(KmsError.StorageUnavailable.Exception());
        }

        await Asked();
        lock (_ways) Assert.Equal(ClusterPrincipals.Ways, _ways.Distinct().Count());
    }

    [Fact]
    public async Task AnswerThatHoldsForLonger_Does()
    {
        await Start();
        await Answer(Hash(First) with { HoldsFor = 2 * ClusterPrincipals.HoldsFor }, () => _principals.IsReady);
        var until = _time.GetUtcNow() + ClusterPrincipals.HoldsFor + TimeSpan.FromMinutes(1);
        while (_time.GetUtcNow() < until) (await Asked()).SetException(KmsError.StorageUnavailable.Exception());
        Assert.Same(Principal.Administrator, _principals.Find(First));
        _time.Advance(ClusterPrincipals.HoldsFor);
        Assert.Null(_principals.Find(First));
    }

    [Fact]
    public async Task AnswerThatIsNoHash_IsNotTaken()
    {
        await Start();
        (await Asked()).SetResult(new SignInCredentials(new byte[31]));
        await Asked();
        Assert.False(_principals.IsReady);
    }

    private static SignInCredentials Hash(string token) => new(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private bool CannotTell(string? authorization)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Authorization = authorization;
        return SignInParts.Credentials(_principals).Find(http.Request, "here").AsTask().Result.State == LookupState.CannotTell;
    }

    private async Task Start()
    {
        _link.Start();
        _link.NotifyGatewayCountChanged(1, 0, true);
        await _principals.StartAsync(CancellationToken.None);
    }

    /// <summary>Gives the same answer to each question until it is taken.</summary>
    private async Task Answer(SignInCredentials answer, Func<bool> isTaken)
    {
        while (!isTaken()) (await Asked()).TrySetResult(answer);
    }

    /// <summary>Lets time pass until the cluster is asked.</summary>
    private async Task<TaskCompletionSource<SignInCredentials>> Asked()
    {
        TaskCompletionSource<SignInCredentials>? question;
        while (!_questions.Reader.TryRead(out question))
        {
            // No faster than 500 times the real clock: who asks may wait for a processor with its time already taken.
            await Task.Delay(1);
            if (_questions.Reader.TryRead(out question)) break;
            _time.Advance(TimeSpan.FromMilliseconds(500));
        }

        return question;
    }
}
