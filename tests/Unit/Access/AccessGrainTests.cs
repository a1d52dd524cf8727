using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Access;

public sealed class AccessGrainTests
{
    private static readonly CredentialsQuery _query = new(new Caller("gateway", "gateway", "sign-in"));

    private readonly FakeTimeProvider _time = new();
    private readonly OneRow _row = new();
    private readonly SeenAccess _seen = new();
    private readonly AccessGrain _grain;

    public AccessGrainTests() => _grain = NewGrain(new FenceOptions().Grace);

    [Fact]
    public async Task Asked_WithinTheTime_ReadsOnce()
    {
        Assert.Equal(new byte[32], (await _grain.ListCredentials(_query)).AdministratorTokenSha256);
        _time.Advance(AccessGrain.FreshFor / 2);
        Assert.Equal(AccessGrain.FreshFor / 2, (await _grain.ListCredentials(_query)).Age);
        Assert.Equal(1, _row.Reads);
    }

    [Fact]
    public async Task DatabaseAway_AnswersWhatItKnows_WithItsAge_AndThenNoMore()
    {
        Assert.Equal(TimeSpan.Zero, (await _grain.ListCredentials(_query)).Age);
        _row.IsAway = true;
        for (var age = AccessGrain.FreshFor; age <= AccessGrain.MinHold; age += AccessGrain.FreshFor)
        {
            _time.Advance(AccessGrain.FreshFor);
            var answer = await _grain.ListCredentials(_query);
            Assert.Equal(age, answer.Age);
            Assert.Equal(new byte[32], answer.AdministratorTokenSha256);
        }

        _time.Advance(AccessGrain.FreshFor);
        await IsUnavailable();
        // Without another try, too.
        await IsUnavailable();

        _row.IsAway = false;
        _time.Advance(AccessGrain.FreshFor);
        Assert.Equal(TimeSpan.Zero, (await _grain.ListCredentials(_query)).Age);
    }

    [Fact]
    public async Task DatabaseAway_HoldsNoShorterThanKeysGoOnFor()
    {
        var grace = 3 * AccessGrain.MinHold;
        var grain = NewGrain(grace);
        Assert.Equal(grace, (await grain.ListCredentials(_query)).HoldsFor);
        _row.IsAway = true;
        _time.Advance(grace);
        Assert.Equal(grace, (await grain.ListCredentials(_query)).Age);
        Assert.Equal(AccessGrain.MinHold, (await NewGrain(AccessGrain.MinHold / 5, new OneRow()).ListCredentials(_query)).HoldsFor);
    }

    [Fact]
    public async Task DatabaseThatDoesNotAnswer_IsNotWaitedForAgainAtOnce()
    {
        await _grain.ListCredentials(_query);
        _time.Advance(AccessGrain.FreshFor);
        _row.IsAway = true;
        _row.Reading = () => _time.Advance(2 * AccessGrain.FreshFor);
        await _grain.ListCredentials(_query);
        Assert.Equal(3 * AccessGrain.FreshFor, (await _grain.ListCredentials(_query)).Age);
        Assert.Equal(2, _row.Reads);
    }

    [Fact]
    public async Task DatabaseAway_BeforeTheFirstReading_IsUnavailable()
    {
        _row.IsAway = true;
        await IsUnavailable();
        _row.IsAway = false;
        Assert.Equal(new byte[32], (await _grain.ListCredentials(_query)).AdministratorTokenSha256);
    }

    [Fact]
    public async Task OlderRow_PutBack_IsNotBelieved_ByThisActivationNorTheNext()
    {
        _row.Revision = 2;
        Assert.Equal(2, (await _grain.ListCredentials(_query)).Order);
        _row.Token = Enumerable.Repeat((byte)1, 32).ToArray();
        foreach (var revision in (long[])[1, 0])
        {
            _row.Revision = revision;
            _time.Advance(AccessGrain.FreshFor);
            var answer = await _grain.ListCredentials(_query);
            Assert.Equal((2L, 0), (answer.Order, answer.AdministratorTokenSha256![0]));
            Assert.NotEqual(TimeSpan.Zero, answer.Age);
            await Assert.ThrowsAsync<KmsException>(async () => await NewGrain(new FenceOptions().Grace).ListCredentials(_query));
        }

        _row.Revision = 3;
        _time.Advance(AccessGrain.FreshFor);
        Assert.Equal(1, (await _grain.ListCredentials(_query)).AdministratorTokenSha256![0]);
    }

    [Fact]
    public void Order_ARestoreEpochComesBeforeAllThatWereLost() =>
        Assert.True(SeenAccess.Order(1, 1) > SeenAccess.Order(0, 1_000_000) && SeenAccess.Order(1, 0) == 0);

    private AccessGrain NewGrain(TimeSpan grace, OneRow? row = null) =>
        new(row ?? _row, _time, new() { DataDirectory = "", Fence = new() { Grace = grace } }, _seen, new(), NullLogger<AccessGrain>.Instance);

    private async Task IsUnavailable() => Assert.Equal(
        KmsError.StorageUnavailable, (await Assert.ThrowsAsync<KmsException>(async () => await _grain.ListCredentials(_query))).Error);

    /// <summary>Storage that holds the row, and can be away.</summary>
    private sealed class OneRow : IGrainStorage
    {
        public bool IsAway { get; set; }

        public int Reads { get; private set; }

        /// <summary>The row's; 0 for no row.</summary>
        public long Revision { get; set; } = 1;

        public byte[] Token { get; set; } = new byte[32];

        /// <summary>What happens while the row is read.</summary>
        public Action Reading { get; set; } = () => { };

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            Reads++;
            Reading();
            if (IsAway) throw new StorageFailedException("away", outcomeUnknown: false, new TimeoutException());
            if (Revision == 0) return Task.CompletedTask;
            grainState.State = (T)(object)new AccessRow { AdministratorTokenSha256 = Token, CreatedAt = DateTimeOffset.UnixEpoch, Revision = Revision };
            grainState.RecordExists = true;
            return Task.CompletedTask;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();
    }
}
