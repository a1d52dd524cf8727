using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class CallCountsTests
{
    private readonly CallCounts _counts = new(limit: 2);

    [Fact]
    public void Calls_AreCountedByPrincipalAndOperation()
    {
        _counts.Add("billing", KeyCall.Encrypt);
        _counts.Add("billing", KeyCall.Encrypt);
        _counts.Add("billing", KeyCall.Change);
        _counts.Add("mail", KeyCall.DataKey);
        Assert.Equal(["billing change 1", "billing encrypt 2", "mail data_key 1"], Observe());
    }

    [Fact]
    public void CallersWithoutEnd_AreCountedTogether()
    {
        _counts.Add("billing", KeyCall.Decrypt);
        _counts.Add("mail", KeyCall.Decrypt);
        foreach (var name in (string?[])["third", "fourth", "other", "", null, new string('a', 129)]) _counts.Add(name, KeyCall.Decrypt);
        _counts.Add("billing", KeyCall.Decrypt);
        Assert.Equal(["billing decrypt 2", "mail decrypt 1", "other decrypt 6"], Observe());
    }

    private string[] Observe() =>
    [
        .. _counts.Observe().Select(m => $"{m.Tags[0].Value} {m.Tags[1].Value} {m.Value}").Order(StringComparer.Ordinal),
    ];
}
