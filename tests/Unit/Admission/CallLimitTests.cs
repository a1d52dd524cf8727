using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Tests.Internals;

namespace OrleansKms.Tests.Unit.Admission;

public sealed class CallLimitTests : ILogger, IDisposable
{
    private const int Second = 1000;

    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _said = [];
    private readonly OrleansFrames _orleans = new(RefusedCall.AddTo);
    private readonly CallLimit _limit;

    public CallLimitTests() => _limit = new(Options.Create(new ClientPortOptions { MaxCalls = 4 }), _clock, this);

    public void Dispose() => _orleans.Dispose();

    [Fact]
    public void ServicesTakeThreeQuarters_AndGatewaysFindRoom()
    {
        var (service, other, gateway) = (_limit.Begin(isService: true), _limit.Begin(isService: true), _limit.Begin(isService: false));
        Assert.Equal(CallEntry.Taken, service.Enter(1, Second));
        Assert.Equal(CallEntry.Taken, service.Enter(2, Second));
        Assert.Equal(CallEntry.Taken, other.Enter(1, Second));
        Assert.Equal(CallEntry.Full, other.Enter(2, Second));
        Assert.Equal(CallEntry.Taken, gateway.Enter(1, Second));
        Assert.Equal(CallEntry.Full, gateway.Enter(2, Second));

        service.Answered(1);
        Assert.Equal(CallEntry.Taken, other.Enter(3, Second));
        Assert.Equal(4, _limit.Taken);
    }

    [Fact]
    public void AnswerToARefusedCall_FreesNoPlace()
    {
        var places = Full();
        Assert.Equal(CallEntry.Full, places.Enter(5, Second));
        places.Answered(5);
        places.Answered(6);
        Assert.Equal(4, _limit.Taken);
    }

    [Fact]
    public void NumberOfACallThatIsNotAnswered_IsNobodyElses_BeItRefused()
    {
        var places = Full();
        Assert.Equal(CallEntry.Repeated, places.Enter(4, Second));
        Assert.Equal(CallEntry.Full, places.Enter(5, Second));
        Assert.Equal(CallEntry.Repeated, places.Enter(5, Second));
        places.Answered(5);
        places.Answered(4);
        Assert.Equal(CallEntry.Taken, places.Enter(4, Second));
    }

    [Fact]
    public void ConnectionThatEnds_FreesThePlacesOfItsCalls()
    {
        var (ended, other) = (Full(), _limit.Begin(isService: true));
        ended.Dispose();
        ended.Dispose();
        ended.Answered(1);
        Assert.Equal(0, _limit.Taken);
        Assert.Equal(CallEntry.Full, ended.Enter(9, Second));
        Assert.Equal(CallEntry.Taken, other.Enter(1, Second));
        Assert.Equal(1, _limit.Taken);
    }

    [Fact]
    public void CallForWhichNobodyWaits_LosesItsPlace_OnceItIsWanted()
    {
        // One waits for an hour, one for ever, and neither for longer than twice the longest that a request may take.
        var places = _limit.Begin(isService: false);
        foreach (var (number, wait) in new (long, int?)[] { (1, Second), (2, 10 * Second), (3, 3600 * Second), (4, null) }) places.Enter(number, wait);
        Assert.Equal(CallEntry.Full, places.Enter(5, Second));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(CallEntry.Taken, places.Enter(6, 3600 * Second));
        _clock.Advance(2 * KmsLimits.MaxRequestTimeout);
        Assert.Equal(CallEntry.Taken, places.Enter(7, Second));
        Assert.Equal(1, _limit.Taken);
        Assert.Equal(CallEntry.Taken, places.Enter(1, Second));
    }

    [Fact]
    public void Refusals_AreSaidNowAndThen_WithHowManyTheyWere()
    {
        var places = Full();
        for (var i = 0; i < 100; i++) Assert.Equal(CallEntry.Full, places.Enter(100 + i, Second));
        Assert.Single(_said);
        _clock.Advance(TimeSpan.FromSeconds(11));
        var full = Full();
        Assert.Equal(CallEntry.Full, full.Enter(5, Second));
        Assert.Equal(2, _said.Count);
        Assert.EndsWith("4 calls are in flight, and OKMS_MAX_CLIENT_CALLS is 4; since this was last said, 100 were.", _said[1], StringComparison.Ordinal);
    }

    [Fact]
    public void CallWithoutRoom_IsReadByOrleansAsOverloaded_AndWithRoomAsItself()
    {
        var frames = Greeted(Full(room: 1));
        foreach (var length in (int[])[1, 70_000])
        {
            var admitted = _orleans.Encrypt(length, number: 1000 + length);
            var before = admitted.ToArray();
            Assert.Equal(Verdict.Admitted, frames.Judge(new(admitted), out var read));
            Assert.Equal(admitted.Length, read);
            if (length == 1)
            {
                Assert.Equal(before, admitted);
                Assert.Null(_orleans.Read(admitted));
                continue;
            }

            var refused = _orleans.Read(admitted);
            Assert.Equal(KmsError.Overloaded.Code, Assert.IsType<KmsException>(refused).Code);
            Assert.True(RefusedCall.IsCauseOf(refused));
        }
    }

    [Fact]
    public void HealthAndManifest_TakeNoPlace()
    {
        var frames = Greeted(Full());
        foreach (var frame in new[] { _orleans.Check("0"), _orleans.Manifest() })
        {
            Assert.Equal(Verdict.Admitted, frames.Judge(new(frame), out _));
            Assert.Null(_orleans.Read(frame));
        }
    }

    [Fact]
    public void NumberSentTwice_EndsTheConnection()
    {
        var frames = Greeted(_limit.Begin(isService: false));
        Assert.Equal(Verdict.Admitted, frames.Judge(new(_orleans.Encrypt(1, number: 7)), out _));
        Assert.Equal(Verdict.Malformed, frames.Judge(new(_orleans.Encrypt(1, number: 7)), out _));
        Assert.Equal("a call with the number of one that is not answered", frames.Reason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task AnswersThatLeave_FreeTheirPlaces_HoweverTheyAreWritten(int piece)
    {
        var places = Full();
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var writer = new AnswerWriter(pipe.Writer, places);
        var (answer, long_, news, call) = (_orleans.Answer(1), _orleans.Answer(2, length: 100_000), _orleans.News(3), _orleans.Encrypt(1, number: 4));
        await Write(_orleans.PreambleOfASilo());
        Assert.Equal(4, _limit.Taken);
        await Write([.. answer, .. long_]);
        Assert.Equal(2, _limit.Taken);

        // Neither news of a call that takes long, nor a call to the client, is an answer.
        await Write([.. news, .. call]);
        Assert.Equal(2, _limit.Taken);
        await Write(_orleans.Answer(3));
        await Write(_orleans.Answer(3));
        Assert.Equal(1, _limit.Taken);
        writer.Complete();
        pipe.Reader.TryRead(out var passed);
        byte[] all = [.. _orleans.PreambleOfASilo(), .. answer, .. long_, .. news, .. call, .. _orleans.Answer(3), .. _orleans.Answer(3)];
        Assert.Equal(all, System.Buffers.BuffersExtensions.ToArray(passed.Buffer));

        async Task Write(byte[] bytes)
        {
            foreach (var part in bytes.Chunk(piece))
            {
                part.CopyTo(writer.GetMemory(part.Length));
                writer.Advance(part.Length);
            }

            await writer.FlushAsync();
        }
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Assert.Equal(LogLevel.Warning, logLevel);
        _said.Add(formatter(state, exception));
    }

    private CallPlaces Full(int room = 0)
    {
        var places = _limit.Begin(isService: false);
        for (var number = 1; number <= 4 - room; number++) places.Enter(number, Second);
        return places;
    }

    private ClientFrames Greeted(CallPlaces places)
    {
        var frames = new ClientFrames(ClientFramesTests.Calls, _orleans.Gateway, _ => true, places);
        frames.Judge(new(_orleans.Preamble()), out _);
        return frames;
    }
}
