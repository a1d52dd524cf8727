namespace OrleansKms.Tests.Api;

/// <summary>How many connections the HTTP interface holds.</summary>
public sealed class ConnectionLimitTests
{
    private const int Limit = 10;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Connections_BeyondTheLimit_AreClosedWithoutAnAnswer_AndOneThatEndsMakesRoom()
    {
        await using var gateway = await SilentGrains.Start(TimeSpan.FromSeconds(10), Limit);
        var port = gateway.Http.BaseAddress!.Port;
        var held = new List<RawHttp>();
        try
        {
            for (var i = 0; i < Limit; i++)
            {
                held.Add(await RawHttp.Connect(port));
                Assert.StartsWith("HTTP/1.1 200", await Ask(held[i]), StringComparison.Ordinal);
            }

            using (var another = await RawHttp.Connect(port))
            {
                Assert.Equal("", await Ask(another));
            }

            // Those that are held still work.
            Assert.StartsWith("HTTP/1.1 200", await Ask(held[^1]), StringComparison.Ordinal);

            held[0].Dispose();
            var started = TimeProvider.System.GetTimestamp();
            var answer = "";
            while (answer.Length == 0)
            {
                // The server has yet to see that the first one has ended.
                Assert.True(TimeProvider.System.GetElapsedTime(started) < _patience, "There is no room for another connection.");
                using var next = await RawHttp.Connect(port);
                answer = await Ask(next);
            }

            Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        }
        finally
        {
            held.ForEach(connection => connection.Dispose());
        }
    }

    private static async Task<string> Ask(RawHttp connection)
    {
        try
        {
            await connection.Send("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
        catch (IOException)
        {
            // Closed already.
        }

        return await connection.ReadUntil("}");
    }
}
