using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Target: <see cref="ApiToken.TryReadId"/>, which meets whatever stands behind <c>Bearer</c>.</summary>
public partial class ApiTokenFuzz
{
    [Fact]
    public void TryReadId_HostileText_ReadsOnlyWhatHasTheFormOfAToken()
    {
        var hostile = new HostileText([.. Enumerable.Range(0, 8).Select(_ => ApiToken.New().Text), "okms_", "okms_0123456789abcdef_"]);
        var read = 0;
        for (var round = 0; round < 5 * HostileBytes.Rounds; round++)
        {
            var text = hostile.Next();
            var isRead = ApiToken.TryReadId(text, out var id);
            Assert.True(isRead == Form().IsMatch(text), HostileText.At(round, text));
            if (!isRead) continue;
            read++;
            Assert.True(id.SequenceEqual(text.AsSpan(5, 16)) && ApiToken.IsId(id), HostileText.At(round, text));
        }

        Assert.InRange(read, HostileBytes.Rounds / 2, 5 * HostileBytes.Rounds);
    }

    // The secret is looked at only by its hash, so that nothing else tells a good one from a bad one.
    [GeneratedRegex(@"\Aokms_[0-9a-f]{16}_.{43}\z", RegexOptions.Singleline)]
    private static partial Regex Form();
}
