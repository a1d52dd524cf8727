using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>
/// Activations that take a key over from each other, in every order of their calls to the row. No count is ever below the uses made and those
/// that may still be made, whichever step is the last before a crash; and if none fails, it is exact once the others have ended.
/// </summary>
public sealed class UsageLeaseTests
{
    // Reserves two uses at a time.
    private static readonly UsagePolicy _policy = new(40, 1L << 32);

    [Fact]
    public void TakenOverWhileTheOtherEnds_CountsAreExact() =>
        AtEachStep(faults: 0, old => old.End(), taker => taker.Work(uses: 3));

    [Fact]
    public void TakenOverByOneThatOnlyLooks_CountsAreExact() =>
        AtEachStep(faults: 0, old => old.End(), taker => taker.Look());

    [Fact]
    public void TakenOverWhileTheOtherStillWorks_CountsAreExact() =>
        AtEachStep(faults: 0, async old =>
        {
            await old.Use(2);
            await old.End();
        }, taker => taker.Use(2));

    [Fact]
    public void BothEnd_CountsAreExact() =>
        AtEachStep(faults: 0, old => old.End(), async taker =>
        {
            await taker.Use(1);
            await taker.End();
        });

    [Fact]
    public void ACallFails_NoCountIsTooLow() =>
        AtEachStep(faults: 1, old => old.End(), taker => taker.Use(1));

    [Fact]
    public void ACallFailsWhileBothEnd_NoCountIsTooLow() =>
        AtEachStep(faults: 1, old => old.End(), async taker =>
        {
            await taker.Use(1);
            await taker.End();
        }, runs: 20_000);

    [Fact]
    public void SeveralCallsFailAmongThree_NoCountIsTooLow() =>
        AtEachStep(faults: 3, async old =>
        {
            await old.Use(3);
            await old.End();
        }, taker => taker.Work(uses: 3), third => third.Work(uses: 3), runs: 20_000);

    [Fact]
    public void ThreeInAnyOrder_CountsAreExact() =>
        AtEachStep(faults: 0, async old =>
        {
            await old.Use(3);
            await old.End();
        }, async taker =>
        {
            await taker.Work(uses: 3);
            await taker.End();
        }, third => third.Work(uses: 5), runs: 20_000);

    [Fact]
    public void RowOfASiloThatKnowsNoGivingBack_IsNeverTooLow()
    {
        // Such a silo takes the higher of its memory and the row, so it puts what was given back into the row again.
        var script = new Script(new([]), faults: 0);
        var (old, taker) = (script.Activation(), script.Activation());
        Assert.True(old.Use(1).IsCompletedSuccessfully);
        Assert.True(taker.Use(1).IsCompletedSuccessfully);
        Assert.True(old.End().IsCompletedSuccessfully);
        script.Rewrite(row => row with { Versions = [row.Versions.Single() with { Ceiling = 4 }] });
        Assert.True(taker.Use(2).IsCompletedSuccessfully);
        script.RequireNoneTooLow();
        Assert.True(taker.End().IsCompletedSuccessfully);
        Assert.InRange(script.Ceiling, script.Made, script.Made + 1);
    }

    [Fact]
    public void NothingWasSpent_TheVersionLeavesTheRow_AndIsZeroForWhoeverTookOver()
    {
        var script = new Script(new([]), faults: 0);
        var (old, taker) = (script.Activation(), script.Activation());
        Assert.True(old.Reserve().IsCompletedSuccessfully);
        Assert.True(taker.Look().IsCompletedSuccessfully);
        Assert.NotEqual(0, taker.Spent);
        Assert.True(old.End().IsCompletedSuccessfully);
        Assert.Equal(0, script.Ceiling);
        Assert.True(taker.Look().IsCompletedSuccessfully);
        Assert.Equal(0, taker.Spent);
        Assert.True(taker.Use(1).IsCompletedSuccessfully);
        script.RequireNoneTooLow();
    }

    [Fact]
    public void Ended_SpendsAndReservesNothing()
    {
        var script = new Script(new([]), faults: 0);
        var activation = script.Activation();
        Assert.True(activation.Use(1).IsCompletedSuccessfully);
        Assert.True(activation.End().IsCompletedSuccessfully);
        Assert.True(activation.End().IsCompletedSuccessfully);
        var refused = Assert.IsType<KmsException>(activation.Reserve().Exception!.InnerException);
        Assert.Equal("unavailable", refused.Code);
        Assert.Equal(1, script.Ceiling);
    }

    [Fact]
    public void CountersOfAnotherLifeOfTheKey_GetNothingBack()
    {
        var script = new Script(new([]), faults: 0);
        var activation = script.Activation();
        Assert.True(activation.Use(1).IsCompletedSuccessfully);
        script.Rewrite(row => row with { Incarnation = script.NewLife(), Versions = [row.Versions.Single() with { Ceiling = 7 }] });
        activation.Forget();
        Assert.True(activation.Look().IsCompletedSuccessfully);
        Assert.Equal(7, activation.Spent);
        Assert.True(activation.End().IsCompletedSuccessfully);
        Assert.Equal(7, script.Ceiling);
    }

    private static void AtEachStep(
        int faults, Func<Activation, Task> old, Func<Activation, Task> taker, Func<Activation, Task>? third = null, int? runs = null)
    {
        if (runs is { } some)
        {
            Choices.Some(some, Run);
        }
        else
        {
            // All orders of two calls with two steps each, at least.
            Assert.InRange(Choices.All(Run), 6, int.MaxValue);
        }

        void Run(Choices choices)
        {
            // Whatever awaits goes on at once, in the script's order.
            var context = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(null);
            try
            {
                new Script(choices, faults).Run(old, taker, third);
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(context);
            }
        }
    }

    /// <summary>A run of some activations on one row.</summary>
    private sealed class Script
    {
        private readonly FakeTimeProvider _time = new();
        private readonly SteppedRows _rows;
        private readonly List<Activation> _activations = [];
        private readonly int _faults;

        public Script(Choices choices, int faults)
        {
            _rows = new(choices);
            _faults = faults;
            Rewrite(_ => new() { Incarnation = Incarnation });
        }

        public Incarnation Incarnation { get; private set; } = Incarnation.New();

        public long Made => _activations.Sum(a => a.Made);

        public long Ceiling => Row.Versions.SingleOrDefault()?.Ceiling ?? 0;

        private KeyUsageRow Row => (KeyUsageRow)_rows.Stored!;

        public Incarnation NewLife() => Incarnation = Incarnation.New();

        public Activation Activation()
        {
            var activation = new Activation(this, new UsageLease(_rows.Of(), GrainId.Create("key", "a"), _time));
            _activations.Add(activation);
            return activation;
        }

        public void Rewrite(Func<KeyUsageRow, KeyUsageRow> change)
        {
            var storage = _rows.Of();
            var state = new GrainState<KeyUsageRow>();
            Assert.True(storage.ReadStateAsync("key.usage", default, state).IsCompletedSuccessfully);
            var row = change(state.State!);
            state.State = row with { Revision = row.Revision + 1 };
            Assert.True(storage.WriteStateAsync("key.usage", default, state).IsCompletedSuccessfully);
        }

        public void Run(Func<Activation, Task> first, Func<Activation, Task> second, Func<Activation, Task>? third)
        {
            var (old, taker) = (Activation(), Activation());
            Require(old.Use(1));
            old.Decrypt();
            (_rows.IsStepped, _rows.Faults) = (true, _faults);
            List<Task> running = [first(old), second(taker)];
            if (third is not null) running.Add(third(Activation()));
            _rows.Run(RequireNoneTooLow);
            running.ForEach(Require);
            var isExact = !_rows.HasUnknown && !_rows.HasRefused;

            // The others have ended: whoever still works is exact, and its row is once it has ended as well.
            _rows.IsStepped = false;
            _rows.Faults = 0;
            PassPause();
            var working = _activations.Where(a => !a.HasEnded).ToList();
            foreach (var one in working.SkipLast(1)) Require(one.End());
            if (working.LastOrDefault() is { } last)
            {
                Require(last.Look());
                if (isExact) Assert.Equal(Made, last.Spent);
                Require(last.Use(1));
                Require(last.End());
            }

            RequireNoneTooLow();
            if (isExact)
            {
                Assert.Equal(Made, Ceiling);
                Assert.Equal(_activations.Sum(a => a.Decrypted), Row.Versions.Single().Decrypted);
            }
        }

        public void RequireNoneTooLow()
        {
            var mayBeMade = _activations.Sum(a => a.Spendable);
            Assert.True(Ceiling >= Made + mayBeMade, $"{Made} uses were made and {mayBeMade} may be, but {Ceiling} are stored");
            foreach (var activation in _activations)
            {
                Assert.True(activation.Spent >= activation.Made, $"{activation.Made} uses were made, but {activation.Spent} are counted");
            }
        }

        public void PassPause() => _time.Advance(TimeSpan.FromSeconds(2));

        private static void Require(Task task)
        {
            Assert.True(task.IsCompleted, "it hangs");
            task.GetAwaiter().GetResult();
        }
    }

    /// <summary>What an activation does with its counters, as a key does it.</summary>
    private sealed class Activation(Script script, UsageLease lease)
    {
        private readonly UsageMeter _meter = lease.Meter(1);

        public long Made { get; private set; }

        public long Decrypted { get; private set; }

        public bool HasEnded { get; private set; }

        public long Spent => _meter.Spent;

        public long Spendable => Math.Max(0, _meter.SpendUntil - _meter.Spent);

        /// <summary>Makes uses and other counts, as the timer writes them meanwhile.</summary>
        public async Task Work(int uses)
        {
            await Use(1);
            Decrypt();
            await Try(() => lease.Save(script.Incarnation, exact: false));
            await Use(uses - 1);
        }

        public async Task Use(int times)
        {
            for (var i = 0; i < times; i++)
            {
                while (!_meter.TrySpend()) await Try(Reserve);
                Made++;
            }
        }

        public async Task Reserve()
        {
            await lease.Load(script.Incarnation);
            await lease.Reserve(_meter, _policy, script.Incarnation, wanted: 1);
        }

        public void Forget() => lease.Invalidate();

        public void Decrypt()
        {
            _meter.CountDecryption(1, 1);
            Decrypted++;
        }

        public Task Look() => Try(async () =>
        {
            var reads = lease.Reads;
            await lease.Refresh(script.Incarnation, reads);
        });

        public async Task End()
        {
            HasEnded = true;
            try
            {
                await lease.Save(script.Incarnation, exact: true);
            }
            catch (StorageFailedException)
            {
                // Nothing more is tried.
            }
        }

        // As the gate does it: after a lost race the key is read again, and callers try again after a failure.
        private async Task Try(Func<Task> operation)
        {
            try
            {
                await operation();
            }
            catch (InconsistentStateException)
            {
                lease.Invalidate();
            }
            catch (StorageFailedException)
            {
                script.PassPause();
            }
            catch (KmsException e) when (e.Error == KmsError.StorageUnavailable)
            {
                script.PassPause();
            }
        }
    }
}
