using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>The window of a key's limit, over a row that is stored by whoever wrote last.</summary>
public sealed class LimitWindowTests
{
    private const string Of = "use";

    [Theory]
    [InlineData(1, 1_000)]
    [InlineData(5, 1_000)]
    [InlineData(100, 60_000)]
    [InlineData(1_000, 3_600_000)]
    public void Uses_ByActivationsThatCrashFreezeAndRace_AreNeverMoreThanTheLimitInAnyWindow(long count, long per)
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var uses = new Run(count, per, new Random(seed)).Go(steps: 600);
            Assert.True(uses.Count >= Math.Min(count, 10), $"seed {seed}: only {uses.Count} uses");
            for (int first = 0, last = 0; last < uses.Count; last++)
            {
                while (uses[first] <= uses[last] - per)
                {
                    first++;
                }

                Assert.True(last - first + 1 <= count, $"seed {seed}: {last - first + 1} uses until {uses[last]}");
            }
        }
    }

    [Theory]
    [InlineData(10, 60_000)]
    [InlineData(6_000, 60_000)]
    [InlineData(1_000, 1_000)]
    public void Uses_OfABusyKey_ReachTheLimit(long count, long per)
    {
        var window = new LimitWindow(Of, TimeSpan.FromMilliseconds(per)) { Count = count };
        var (made, writes) = (0L, 0);
        for (var now = 0L; now < 10 * per; now += Math.Max(1, per / 60_000))
        {
            for (var i = 0; i < 3 + (count / per); i++)
            {
                if (!window.CanSpend(now) && window.Room(now) >= 1)
                {
                    window.ToStored(now, 1, isLast: false);
                    window.Saved(now);
                    writes++;
                }

                if (window.CanSpend(now))
                {
                    window.Spend(now);
                    made++;
                }
            }
        }

        Assert.InRange(made, 0.9 * 10 * count, 10 * count);
        Assert.InRange(writes, 1, 10 * 100);
    }

    [Fact]
    public void Reservation_OfASmallLimit_TakesOneUse_AndOfALargeOneAFewAtFirst()
    {
        Assert.Equal(1, Reserved(10));
        Assert.Equal(1, Reserved(255));
        Assert.Equal(39, Reserved(10_000));
    }

    [Fact]
    public void Wait_ForAFullWindow_IsUntilItsFirstUseIsOut()
    {
        var window = new LimitWindow(Of, TimeSpan.FromSeconds(60)) { Count = 2 };
        Use(window, 1_000);
        Use(window, 31_000);
        Assert.Equal(0, window.Room(40_000));
        Assert.Equal(TimeSpan.FromMilliseconds(21_001), window.Wait(40_000));
        Assert.Equal(1, window.Room(61_001));
    }

    [Fact]
    public void Clock_ThatIsSetBack_NeitherFreesUsesNorKeepsThemForEver()
    {
        var window = new LimitWindow(Of, TimeSpan.FromSeconds(60)) { Count = 1 };
        const long hour = 3_600_000;
        Use(window, hour);
        window.ToStored(1_000, 1, isLast: false);
        window.Saved(1_000);
        Assert.False(window.CanSpend(1_000));
        Assert.Equal(0, window.Room(1_000));
        Assert.Equal(1, window.Room(61_001));
    }

    private static long Reserved(long count)
    {
        var window = new LimitWindow(Of, TimeSpan.FromMinutes(1)) { Count = count };
        return window.ToStored(0, 1, isLast: false).Spent[1];
    }

    private static void Use(LimitWindow window, long now)
    {
        window.ToStored(now, 1, isLast: false);
        window.Saved(now);
        window.Spend(now);
    }

    /// <summary>Three activations over one row. Any of them may be given up by the others while it is only slow.</summary>
    private sealed class Run(long count, long per, Random random)
    {
        private readonly Activation[] _activations = [new(count, per), new(count, per), new(count, per)];
        private readonly List<long> _uses = [];
        private IReadOnlyList<long> _stored = [];
        private int _version;
        private long _now = 1_000_000_000;

        public List<long> Go(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                _now += random.Next(4) == 0 ? random.NextInt64(per / 3) : random.Next(5);
                var activation = _activations[random.Next(_activations.Length)];
                switch (random.Next(8))
                {
                    case 0 when random.Next(4) == 0:
                        activation.Begin(count, per);
                        break;
                    case < 3:
                        Reserve(activation);
                        break;
                    default:
                        for (var i = random.Next(20); i >= 0 && activation.Window.CanSpend(_now); i--)
                        {
                            activation.Window.Spend(_now);
                            _uses.Add(_now);
                        }

                        break;
                }
            }

            return _uses;
        }

        private void Reserve(Activation activation)
        {
            if (activation.NeedsRead)
            {
                activation.Window.Resume(_stored, _now);
                (activation.Version, activation.NeedsRead) = (_version, false);
            }

            var wanted = activation.Window.CanSpend(_now) || activation.Window.Room(_now) < 1 ? 0 : random.Next(1, 4);
            var stored = activation.Window.ToStored(_now, wanted, isLast: false).Spent;
            if (activation.Version != _version)
            {
                // A lost race. Until it is told, it goes on with what it has.
                activation.NeedsRead = true;
                return;
            }

            var outcome = random.Next(10);
            if (outcome == 0)
            {
                activation.NeedsRead = true;
                return;
            }

            // While the row is being written, uses are made of what is reserved already.
            _now += random.Next(3);
            while (random.Next(3) > 0 && activation.Window.CanSpend(_now))
            {
                activation.Window.Spend(_now);
                _uses.Add(_now);
            }

            (_stored, _version) = (stored, _version + 1);
            if (outcome == 1)
            {
                // Written, and the answer was lost.
                activation.NeedsRead = true;
                return;
            }

            activation.Version = _version;
            activation.Window.Saved(_now);
        }
    }

    private sealed class Activation(long count, long per)
    {
        public LimitWindow Window { get; private set; } = new(Of, TimeSpan.FromMilliseconds(per)) { Count = count };

        public bool NeedsRead { get; set; } = true;

        public int Version { get; set; }

        /// <summary>A crash, and another activation in its place.</summary>
        public void Begin(long count, long per) =>
            (Window, NeedsRead) = (new(Of, TimeSpan.FromMilliseconds(per)) { Count = count }, true);
    }
}
