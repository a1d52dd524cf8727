using OrleansKms.Grains.Keys;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class CallCountsTests
{
    private readonly CallCounts _counts = new(limit: 2);

    [Fact]
    public void Calls_AreCountedByPrincipalAndOperation()
    {
        _counts.Add("billing", KmsOperation.Encrypt);
        _counts.Add("billing", KmsOperation.Encrypt);
        _counts.Add("billing", KmsOperation.RotateKey);
        _counts.Add("billing", KmsOperation.CreateKey);
        _counts.Add("mail", KmsOperation.GenerateDataKey);
        Assert.Equal(["billing change 2", "billing encrypt 2", "mail data_key 1"], Observe());
    }

    [Fact]
    public void CallersWithoutEnd_AreCountedTogether()
    {
        _counts.Add("billing", KmsOperation.Decrypt);
        _counts.Add("mail", KmsOperation.Decrypt);
        foreach (var name in (string[])["third", "fourth", "other", "", new string('a', 129)]) _counts.Add(name, KmsOperation.Decrypt);
        _counts.Add("billing", KmsOperation.Decrypt);
        Assert.Equal(["billing decrypt 2", "mail decrypt 1", "other decrypt 5"], Observe());
    }

    private string[] Observe() =>
    [
        .. _counts.Observe().Select(m => $"{m.Tags[0].Value} {m.Tags[1].Value} {m.Value}").Order(StringComparer.Ordinal),
    ];
}
