using System.Diagnostics.Metrics;
using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A rotation by time that is due while the database cannot make a version: the key goes on, and rotates when it can.</summary>
public sealed class OverdueRotationTests : KeyGrainTest
{
    private static readonly TimeSpan _every = TimeSpan.FromDays(30);

    private static TimeSpan Patience => TimeSpan.FromMinutes(1);

    [Fact]
    public async Task DatabaseThatFails_FromEachAwaitOn_TheKeyGoesOn_AndThenRotates()
    {
        for (var point = 0; point < 6; point++)
        {
            var id = $"fails.{point}";
            var before = await Warm(id);
            Silo.Gate.FailFrom(point, Unknown());
            for (var i = 0; i < 20; i++)
            {
                await GoesOn(id, before);
            }

            Silo.Gate.HoldAt(-1);
            await Rotated(id, before);
        }
    }

    [Fact]
    public async Task DatabaseThatHangs_FromEachCallOn_HoldsUpNobodyTwice()
    {
        foreach (var point in (int[])[0, 2, 4, 5])
        {
            var id = $"hangs.{point}";
            var before = await Warm(id);
            Silo.Gate.HoldFrom(point);
            for (var i = 0; i < 20; i++)
            {
                // What hangs is let go only afterwards.
                await GoesOn(id, before).WaitAsync(Patience);
            }

            Silo.Gate.HoldAt(-1);
            await Rotated(id, before);
        }
    }

    [Fact]
    public async Task OldVersion_GoesNotBeyondItsLease_NorItsUses()
    {
        await Silo.Create("strict", new(_every, 20));
        Assert.Equal(1, (await Encrypt("strict")).KeyVersion);
        Time.Advance(_every);
        Silo.Gate.FailFrom(0, Unknown());
        await Refused("storage_unavailable", async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(1, (await Encrypt("strict")).KeyVersion);
            }
        });
        Silo.Gate.HoldAt(-1);
    }

    [Fact]
    public async Task Overdue_IsSaidOnce_AndMeasured()
    {
        using var measured = new RotationMeasurements();
        var before = await Warm("said");
        Silo.Gate.FailFrom(0, Unknown());
        for (var i = 0; i < 20; i++)
        {
            await GoesOn("said", before);
        }

        Assert.Equal(1, measured.Overdue);
        Assert.InRange(measured.Failures, 1, 5);
        Assert.Equal(1, Log.Lines.Count(l => l.Contains("key said: the rotation due at", StringComparison.Ordinal)));
        Silo.Gate.HoldAt(-1);
        await Rotated("said", before);
        Assert.Equal(0, measured.Overdue);
    }

    private async Task<Encrypted> Warm(string id)
    {
        await Silo.Create(id, new(_every, null));
        var encrypted = await Encrypt(id);
        Time.Advance(_every);
        return encrypted;
    }

    private async Task GoesOn(string id, Encrypted before)
    {
        Assert.Equal(1, (await Encrypt(id)).KeyVersion);
        Assert.Equal(1, (await Silo.Key(id).EncryptBatch(new(TestSilo.Caller, [new(Plaintext)])))[0].Value?.KeyVersion);
        Assert.Equal(Plaintext, (await Decrypt(id, before)).Plaintext);
    }

    /// <summary>Without anybody's use.</summary>
    private async Task Rotated(string id, Encrypted before)
    {
        await Log.Wait($"key {id}: rotate-by-plan, primary version 2");
        Assert.Equal(2, (await Encrypt(id)).KeyVersion);
        Assert.Equal(Plaintext, (await Decrypt(id, before)).Plaintext);
        Assert.Equal(Time.GetUtcNow() + _every, (await Describe(id)).NextRotationAt);
    }

    /// <summary>What is measured of rotations, by all silos of this process.</summary>
    private sealed class RotationMeasurements : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _overdue;
        private long _failures;

        public RotationMeasurements()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == KeyInstruments.MeterName) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
            {
                if (instrument.Name == "rotations_overdue") Interlocked.Add(ref _overdue, value);
                if (instrument.Name == "rotation_failures") Interlocked.Add(ref _failures, value);
            });
            _listener.Start();
        }

        public long Overdue => Interlocked.Read(ref _overdue);

        public long Failures => Interlocked.Read(ref _failures);

        public void Dispose() => _listener.Dispose();
    }
}
