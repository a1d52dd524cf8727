using OrleansKms.Grains.Keys.History;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Target: <see cref="HistoryEventFormat.TryDecode"/>, which reads what was stored for ever, by whatever program.</summary>
public class HistoryEventFuzz
{
    [Fact]
    public void TryDecode_HostileBytes_NeverThrows_AndWhatIsReadCanBeWritten()
    {
        var whole = new HistoryEvent
        {
            Number = 2,
            Time = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero),
            Revision = 7,
            Previous = new byte[HistoryEventFormat.HashLength],
            Action = "keys:rotate",
            Principal = "admin",
            Source = "10.0.0.1",
            RequestId = "request-1",
            Credential = "token:1",
            Version = 2,
            Reason = "by use",
            Epoch = 1,
        };
        byte[][] genuine =
        [
            HistoryEventFormat.Encode(whole), HistoryEventFormat.Encode(whole with { Credential = null, Version = null, Reason = null, Epoch = 0 }),
            [.. HistoryEventFormat.Encode(whole), 200, 0, 2, 1, 2],
        ];
        var hostile = new HostileBytes(HostileBytes.Seed);
        var read = 0;
        for (var round = 0; round < 5 * HostileBytes.Rounds; round++)
        {
            var bytes = hostile.Of(genuine);
            if (HistoryEventFormat.TryDecode(bytes) is not { } value) continue;
            read++;
            var again = HistoryEventFormat.TryDecode(HistoryEventFormat.Encode(value));
            if (again is null || again.Number != value.Number || again.Time != value.Time || again.Version != value.Version || again.Epoch != value.Epoch)
            {
                Assert.Fail($"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(bytes)}");
            }
        }

        Assert.InRange(read, HostileBytes.Rounds / 4, 5 * HostileBytes.Rounds);
    }
}
