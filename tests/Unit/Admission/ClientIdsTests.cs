using Microsoft.Extensions.Time.Testing;
using OrleansKms.Silo.Clustering.Admission;

namespace OrleansKms.Tests.Unit.Admission;

public sealed class ClientIdsTests
{
    private static readonly TimeSpan _kept = TimeSpan.FromMinutes(2);

    private readonly FakeTimeProvider _clock = new();
    private readonly ClientIds _ids;

    public ClientIdsTests() => _ids = new(_kept, _clock);

    [Fact]
    public void AnotherCertificate_DoesNotGetAnIdThatIsTaken_ButTheSameDoes()
    {
        Assert.True(_ids.TryTake("a", "CN=one"));
        Assert.False(_ids.TryTake("a", "CN=two"));
        Assert.True(_ids.TryTake("b", "CN=two"));
        Assert.True(_ids.TryTake("a", "CN=one"));
        _ids.End("a");
        Assert.False(_ids.TryTake("a", "CN=two"));
    }

    [Fact]
    public void AnIdIsKept_AsLongAsOrleansKeepsAnswersForIt()
    {
        Assert.True(_ids.TryTake("a", "CN=one"));
        _clock.Advance(10 * _kept);
        _ids.End("a");
        _clock.Advance(_kept - TimeSpan.FromSeconds(1));
        Assert.False(_ids.TryTake("a", "CN=two"));

        // It came back meanwhile: the time begins anew at its end.
        Assert.True(_ids.TryTake("a", "CN=one"));
        _ids.End("a");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_ids.TryTake("a", "CN=two"));
        _clock.Advance(_kept);
        Assert.True(_ids.TryTake("a", "CN=two"));
    }

    [Fact]
    public void IdsOfClientsThatAreGone_AreForgotten()
    {
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(_ids.TryTake($"client-{i}", "CN=one"));
            _ids.End($"client-{i}");
        }

        Assert.Equal(1000, _ids.Count);
        _clock.Advance(_kept);
        Assert.True(_ids.TryTake("another", "CN=one"));
        Assert.Equal(1, _ids.Count);
    }
}
