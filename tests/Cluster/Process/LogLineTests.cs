using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Logging;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Log lines: whole, in order, one an event, whatever a caller sends and however slowly they are read.</summary>
public sealed partial class LogLineTests
{
    [Fact]
    public void Json_HasTheEventsOwnFields_InSnakeCase()
    {
        var line = JsonDocument.Parse(Assert.Single(Logged(LogFormat.Json, log =>
            Something(log, "a", 3, 0.5, "own", null)))).RootElement;
        Assert.Equal("info", line.GetProperty("level").GetString());
        Assert.Equal("OrleansKms.Tests", line.GetProperty("category").GetString());
        Assert.Equal("Something", line.GetProperty("event").GetString());
        Assert.Equal("key a: 3 in 0.5 ms, own, (null)", line.GetProperty("message").GetString());
        Assert.Equal("a", line.GetProperty("key_id").GetString());
        Assert.Equal(3, line.GetProperty("count").GetInt32());
        Assert.Equal(0.5, line.GetProperty("duration_ms").GetDouble());
        Assert.Equal("own", line.GetProperty("level_").GetString());
        Assert.Equal(JsonValueKind.Null, line.GetProperty("nothing").ValueKind);
        Assert.Equal(TimeSpan.Zero, line.GetProperty("time").GetDateTimeOffset().Offset);
    }

    [Theory]
    [InlineData(LogFormat.Json)]
    [InlineData(LogFormat.Text)]
    public void HostileValues_StayInTheirLine(LogFormat format)
    {
        const string hostile = "x\r\n{\"level\":\"error\"}\n\u001b[2J\u2028\0\"\\";
        var lines = Logged(format, log => From(log, hostile, new InvalidOperationException(hostile)));
        var line = Assert.Single(lines);
        if (format == LogFormat.Text) Assert.DoesNotContain(line, char.IsControl);
        else Assert.Equal(hostile, JsonDocument.Parse(line).RootElement.GetProperty("source").GetString());
    }

    [Fact]
    public void ManyThreads_EveryLineIsWholeAndThereOnce()
    {
        var lines = Logged(LogFormat.Json, log => Parallel.For(0, 20_000, i => Numbered(log, i)));
        var numbers = lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("number").GetInt32());
        Assert.Equal(Enumerable.Range(0, 20_000), numbers.Order());
    }

    [Fact]
    public void SlowReader_DropsWhatMayBeDropped_AndSaysHowMany()
    {
        using var stream = new GatedStream();
        var writer = new LineWriter(stream, capacity: 100, dropped => Encoding.UTF8.GetBytes($"dropped {dropped}\n"));
        writer.Write("first\n"u8, mayDrop: true);
        stream.WriteBegan.Wait();
        writer.Write(new byte[90], mayDrop: true);
        for (var i = 0; i < 5; i++) writer.Write(new byte[20], mayDrop: true);
        stream.Open();
        writer.Dispose();
        var text = stream.Text;
        Assert.StartsWith("first\n", text, StringComparison.Ordinal);
        Assert.EndsWith("dropped 5\n", text, StringComparison.Ordinal);
        Assert.Equal("first\n".Length + 90 + "dropped 5\n".Length, text.Length);
    }

    [Fact]
    public async Task SlowReader_AWarningWaitsForRoom()
    {
        using var stream = new GatedStream();
        var writer = new LineWriter(stream, capacity: 100, _ => [], patience: TimeSpan.FromMinutes(2));
        writer.Write("first\n"u8, mayDrop: true);
        stream.WriteBegan.Wait();
        writer.Write(new byte[90], mayDrop: true);
        var warning = Task.Run(() => writer.Write("a warning of some length\n"u8, mayDrop: false));
        Assert.False(warning.IsCompleted);
        stream.Open();
        await warning;
        writer.Dispose();
        Assert.EndsWith("a warning of some length\n", stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void ReaderThatStands_AWarningWaitsOnce_AndIsCounted()
    {
        using var stream = new GatedStream();
        var writer = new LineWriter(stream, capacity: 100, dropped => Encoding.UTF8.GetBytes($"dropped {dropped}\n"), TimeSpan.FromMilliseconds(50));
        writer.Write("first\n"u8, mayDrop: true);
        stream.WriteBegan.Wait();
        writer.Write(new byte[90], mayDrop: true);
        for (var i = 0; i < 10_000; i++) writer.Write("a warning of some length\n"u8, mayDrop: false);
        stream.Open();
        writer.Dispose();
        Assert.EndsWith("dropped 10000\n", stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReaderThatStands_NoChangeIsLost_AndThereIsNoRoomForMoreUntilItReads()
    {
        using var stream = new GatedStream();
        var writer = new LineWriter(stream, capacity: 100, _ => [], TimeSpan.FromMilliseconds(50), changeCapacity: 1000);
        writer.Write("first\n"u8, mayDrop: true);
        stream.WriteBegan.Wait();
        writer.Write(new byte[90], mayDrop: true);
        var changes = 0;
        while (writer.HasRoomForChanges) writer.WriteChange(Encoding.UTF8.GetBytes($"change {changes++}\n"));
        // Those that were under way when the room ended are kept all the same.
        writer.WriteChange(Encoding.UTF8.GetBytes($"change {changes++}\n"));
        await writer.ChangesWritten();
        Assert.True(writer.ChangesWritten().IsCompleted);
        stream.Open();
        writer.Dispose();
        Assert.True(writer.HasRoomForChanges);
        Assert.Contains(string.Concat(Enumerable.Range(0, changes).Select(i => $"change {i}\n")), stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AChange_IsAnsweredOnceItIsWritten()
    {
        using var stream = new GatedStream();
        using var writer = new LineWriter(stream, capacity: 100, _ => [], TimeSpan.FromMinutes(2));
        writer.WriteChange("one\n"u8);
        stream.WriteBegan.Wait();
        writer.WriteChange("two\n"u8);
        var written = writer.ChangesWritten();
        Assert.False(written.IsCompleted);
        stream.Open();
        await written;
        Assert.Equal("one\ntwo\n", stream.Text);
        Assert.True(writer.ChangesWritten().IsCompleted);
    }

    [Fact]
    public async Task StreamThatRefuses_IsAskedAgainForChanges_AndNoLineIsTorn()
    {
        using var stream = new GatedStream { Broken = true };
        stream.Open();
        var writer = new LineWriter(stream, capacity: 100, _ => [], TimeSpan.FromMilliseconds(50));
        writer.WriteChange("one\n"u8);
        await writer.ChangesWritten();
        writer.WriteChange("two\n"u8);
        stream.Broken = false;
        writer.Dispose();
        Assert.Equal("\none\ntwo\n", stream.Text);
    }

    [Fact]
    public void Changes_AreALineOfTheirOwnKind() => Assert.Equal(OrleansKms.Grains.Keys.ChangeLines.Category, LogCategories.Changes);

    /// <summary>Whatever a filter lets through: no line of a framework below warning, where requests are written out.</summary>
    [Theory]
    [InlineData("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Information, false)]
    [InlineData("Microsoft.AspNetCore.Routing.Matching.DfaMatcher", LogLevel.Information, false)]
    [InlineData("Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware", LogLevel.Information, false)]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.Debug, false)]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel.Http2", LogLevel.Trace, false)]
    [InlineData("Npgsql.Command", LogLevel.Information, false)]
    [InlineData("OrleansKmsOfOthers", LogLevel.Information, false)]
    [InlineData("Orleans.Messaging", LogLevel.Debug, false)]
    [InlineData("Some.New.Category", LogLevel.Information, false)]
    [InlineData("Some.New.Category", LogLevel.Warning, true)]
    [InlineData("Microsoft.AspNetCore.Server.Kestrel.Https.Internal.HttpsConnectionMiddleware", LogLevel.Debug, true)]
    [InlineData("OrleansKms.Gateway.Http.FrontDoor", LogLevel.Trace, true)]
    public void Frameworks_SayNothingBelowWarning(string category, LogLevel level, bool written)
    {
        var lines = Logged(LogFormat.Json, category, log => log.Log(level, 0, "GET {Path}", null, (state, _) => state));
        Assert.Equal(written, lines.Length > 0);
    }

    [Theory]
    [InlineData(LogFormat.Json)]
    [InlineData(LogFormat.Text)]
    public void Frameworks_WriteNoQueryAndNoCredentials_AtAnyLevel(LogFormat format)
    {
        const string secret = "s3cr3t-token";
        var line = Assert.Single(Logged(format, "Microsoft.AspNetCore.Hosting.Diagnostics", log => Framework(
            log, $"http://localhost/v1/keys?token={secret}&x=1", $"Bearer {secret}", new Query($"?token={secret}"),
            new InvalidOperationException($"GET /v1/keys?a=1&token={secret} HTTP/1.1, Authorization: bearer {secret}"))));
        Assert.DoesNotContain(secret, line, StringComparison.Ordinal);
        Assert.Contains("http://localhost/v1/keys?…", line, StringComparison.Ordinal);
        Assert.Contains("InvalidOperationException", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Is it so? Yes (why?)", "Is it so? Yes (why?)")]
    [InlineData("basic things", "basic …")]
    [InlineData("/a?b=c \"/d?e\" /f?", "/a?… \"/d?…\" /f?")]
    public void Redaction_TakesWhatFollowsAQuestionMark(string text, string left) => Assert.Equal(left, Redaction.Apply(text));

    [Fact]
    public void ReaderGone_LoggingGoesOn()
    {
        using var stream = new GatedStream { Broken = true };
        stream.Open();
        var writer = new LineWriter(stream, capacity: 100, _ => []);
        for (var i = 0; i < 100; i++) writer.Write(new byte[60], mayDrop: false);
        writer.Dispose();
    }

    [LoggerMessage(7, LogLevel.Information, "key {KeyId}: {Count} in {DurationMs} ms, {Level}, {Nothing}")]
    private static partial void Something(ILogger logger, string keyId, int count, double durationMs, string level, string? nothing);

    [LoggerMessage(8, LogLevel.Warning, "from {Source}")]
    private static partial void From(ILogger logger, string source, Exception exception);

    [LoggerMessage(9, LogLevel.Information, "number {Number}")]
    private static partial void Numbered(ILogger logger, int number);

    [LoggerMessage(10, LogLevel.Error, "Request to {Address} with {Header} and {Query} failed")]
    private static partial void Framework(ILogger logger, string address, string header, Query query, Exception exception);

    private static string[] Logged(LogFormat format, Action<ILogger> log) => Logged(format, "OrleansKms.Tests", log);

    private static string[] Logged(LogFormat format, string category, Action<ILogger> log)
    {
        using var stream = new GatedStream();
        stream.Open();
        using (var provider = new LineLoggerProvider(format, stream, TimeProvider.System)) log(provider.CreateLogger(category));
        return stream.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed record Query(string Value);

    /// <summary>A stream whose reader does not read until it is opened.</summary>
    private sealed class GatedStream : MemoryStream
    {
        private readonly ManualResetEventSlim _open = new();

        public ManualResetEventSlim WriteBegan { get; } = new();

        public bool Broken { get; set; }

        public string Text => Encoding.UTF8.GetString(ToArray());

        public void Open() => _open.Set();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            WriteBegan.Set();
            _open.Wait();
            if (Broken) throw new IOException("Broken pipe.");
            base.Write(buffer);
        }
    }
}
