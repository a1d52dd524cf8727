using OrleansKms.Gateway.Rest;
using OrleansKms.Grains.Keys.History;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Targets: <see cref="Cursor"/> and <see cref="HistoryPlace"/>, the places in lists that callers bring back.</summary>
public class CursorFuzz
{
    [Fact]
    public void Read_HostileText_IsTheOneCursorOfAName_OrRefused()
    {
        string[] names = ["a", "payments.eu.cards", new('x', 128), "1.2.3.4.5.x6"];
        var hostile = new HostileText([.. names.Select(name => Cursor.After("keys  False", name)), .. names.Select(name => Cursor.After("aliases ", name))]);
        var read = 0;
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var text = hostile.Next();
            try
            {
                var name = Cursor.Read("keys  False", text)!;
                Assert.True(KeyId.IsValid(name) && Cursor.After("keys  False", name) == text, HostileText.At(round, text));
                read++;
            }
            catch (KmsException e) when (e.Error == KmsError.InvalidParameter)
            {
                // It was changed, or is of another list.
            }
        }

        Assert.InRange(read, HostileBytes.Rounds / 100, HostileBytes.Rounds);
    }

    [Fact]
    public void TryParse_HostileText_ReadsWhatItWrites()
    {
        var hash = new string('a', 64);
        var hostile = new HostileText($"3.1.2.4.17.{hash}", $"1.0.1.1.1.{new string('0', 64)}", "7.16.7.7.100.x99", "2147483647.2147483647.2.2.9223372036854775807.x1");
        var read = 0;
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var text = hostile.Next();
            if (HistoryPlace.TryParse(text) is not { } place) continue;
            read++;
            var again = HistoryPlace.TryParse(place.ToString())!.Value;
            Assert.True(IsSame(place, again) && place.Block >= 0 && place.Link >= 0 && place.Number >= 0 && place.BrokenAt >= 0, HostileText.At(round, text));
        }

        Assert.InRange(read, HostileBytes.Rounds / 20, HostileBytes.Rounds);
    }

    private static bool IsSame(HistoryPlace one, HistoryPlace other) =>
        (one.Block, one.Index, one.Link, one.Above, one.Number, one.BrokenAt) == (other.Block, other.Index, other.Link, other.Above, other.Number, other.BrokenAt)
        && one.Hash.SequenceEqual(other.Hash);
}
