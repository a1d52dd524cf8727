using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest;
using OrleansKms.Gateway.Rest.Cryptography;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Memory that requests and answers pass through goes back once and zeroed, however they end.</summary>
public sealed class BorrowedMemoryTests
{
    private const int Limit = 200_000;
    private readonly TrackingPool _pool = new();
    private readonly FakeTimeProvider _time = new();
    private readonly Pipe _body = new(new PipeOptions(pauseWriterThreshold: 0));
    private readonly DefaultHttpContext _http = new();

    [Fact]
    public async Task BodyInParts_IsRead_AndItsMemoryZeroed()
    {
        var reading = Read();
        await Send("{\"plaintext\":\"" + new string('A', 60_000));
        await Send(new string('A', 40_000) + "\"}");
        await _body.Writer.CompleteAsync();
        Assert.Equal(75_000, (await reading).Plaintext!.Length);
        Assert.True(_pool.Returned.Count > 1, "It has grown.");
        _pool.IsBackAndZero();
    }

    [Fact]
    public async Task BodyThatIsNotWhatIsTaken_LeavesNothing()
    {
        var reading = Read();
        await Send("{\"plaintext\":\"QUJD\",");
        await Send("\"unknown\":1}");
        await _body.Writer.CompleteAsync();
        await Fails(KmsError.InvalidRequest, reading);
    }

    [Fact]
    public async Task BodyThatIsTooLarge_LeavesNothing()
    {
        var reading = Read();
        await Send(new string('A', Limit / 2));
        await Send(new string('A', Limit));
        await Fails(KmsError.PayloadTooLarge, reading);
    }

    [Fact]
    public async Task BodyThatStops_LeavesNothing()
    {
        var reading = Read();
        await Send("{\"plaintext\":\"QUJD");
        _time.Advance(TimeSpan.FromMinutes(1));
        await Fails(KmsError.RequestTimeout, reading);
    }

    [Fact]
    public async Task ClientThatGoesWhileItSends_LeavesNothing()
    {
        var reading = Read();
        await Send("{\"plaintext\":\"QUJD");
        await _body.Writer.CompleteAsync(new ConnectionResetException("gone"));
        await Fails(KmsError.RequestTimeout, reading);
    }

    [Fact]
    public async Task AnswerThatIsTakenSlowly_KeepsItsMemory_UntilItIsTaken()
    {
        var output = new Pipe(new PipeOptions(pauseWriterThreshold: 1024, resumeWriterThreshold: 512));
        var writing = Answer(output.Writer);
        Assert.False(writing.IsCompleted);
        Assert.NotEqual(0, _pool.Borrowed);
        var taken = 0L;
        while (taken < _http.Response.ContentLength)
        {
            var read = await output.Reader.ReadAsync();
            taken += read.Buffer.Length;
            output.Reader.AdvanceTo(read.Buffer.End);
        }

        await writing;
        _pool.IsBackAndZero();
    }

    [Fact]
    public async Task ClientThatGoesWhileItIsAnswered_LeavesNothing()
    {
        var output = new Pipe(new PipeOptions(pauseWriterThreshold: 1024, resumeWriterThreshold: 512));
        var writing = Answer(output.Writer);
        Assert.False(writing.IsCompleted);
        await output.Reader.CompleteAsync();
        await writing;
        _pool.IsBackAndZero();
    }

    [Fact]
    public async Task ConnectionThatBreaksWhileItIsAnswered_LeavesNothing()
    {
        await Assert.ThrowsAsync<IOException>(() => Answer(PipeWriter.Create(new BrokenStream())));
        _pool.IsBackAndZero();
    }

    private RestExchange Exchange() => new(_http, new(
        new(new(), null!, null!, null!, new SizeLimits(new()), _time, NullLogger<OperationServices>.Instance) { Pool = _pool }, null!, null!))
    {
        Route = new(HttpMethods.Post, "/", "", _ => Task.CompletedTask),
    };

    private Task<EncryptBody> Read()
    {
        _http.Features.Set<IRequestBodyPipeFeature>(new RequestBody(_body.Reader));
        _http.Request.ContentType = "application/json";
        return Exchange().ReadJson(RestJson.Default.EncryptBody, Limit).AsTask();
    }

    private async Task Send(string part) => await _body.Writer.WriteAsync(Encoding.ASCII.GetBytes(part));

    private async Task Fails(KmsError error, Task reading)
    {
        Assert.Equal(error, (await Assert.ThrowsAsync<KmsException>(() => reading)).Error);
        _pool.IsBackAndZero();
    }

    private Task Answer(PipeWriter output)
    {
        _http.Features.Set<IHttpResponseBodyFeature>(new ResponseBody(output));
        var plaintext = new byte[100_003];
        plaintext.AsSpan().Fill(0xA5);
        return Exchange().Answer(
            new DecryptAnswer { KeyId = "k", KeyVersion = 1, Kind = "data", Plaintext = plaintext }, RestJson.Default.DecryptAnswer);
    }

    private sealed class RequestBody(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }

    private sealed class ResponseBody(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => Stream.Null;

        public PipeWriter Writer => writer;

        public Task CompleteAsync() => Task.CompletedTask;

        public void DisableBuffering()
        {
        }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("broken");
    }
}
