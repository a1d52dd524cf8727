using Microsoft.AspNetCore.Http;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Tests.Unit.Hosting;

/// <summary>A branch of the pipeline that is built late is built once, and again when that failed.</summary>
public sealed class LateBranchTests
{
    private int _built;

    [Fact]
    public async Task Invoke_AfterABuildThatFailed_BuildsAgain()
    {
        var branch = new LateBranch(() =>
        {
            if (Interlocked.Increment(ref _built) == 1) throw new InvalidOperationException("not yet");
            return Answer;
        });
        await Assert.ThrowsAsync<InvalidOperationException>(() => branch.Invoke(new DefaultHttpContext()));
        Assert.Equal(StatusCodes.Status418ImATeapot, await StatusOf(branch));
        Assert.Equal(StatusCodes.Status418ImATeapot, await StatusOf(branch));
        Assert.Equal(2, _built);
    }

    [Fact]
    public async Task Invoke_ByManyAtOnce_BuildsOnce()
    {
        using var all = new Barrier(8);
        var branch = new LateBranch(() =>
        {
            Interlocked.Increment(ref _built);
            return Answer;
        });
        var statuses = await Task.WhenAll(Enumerable.Range(0, all.ParticipantCount).Select(_ => Task.Factory.StartNew(
            () =>
            {
                all.SignalAndWait();
                return StatusOf(branch);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap()));
        Assert.All(statuses, status => Assert.Equal(StatusCodes.Status418ImATeapot, status));
        Assert.Equal(1, _built);
    }

    private static async Task<int> StatusOf(LateBranch branch)
    {
        var http = new DefaultHttpContext();
        await branch.Invoke(http);
        return http.Response.StatusCode;
    }

    private static Task Answer(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status418ImATeapot;
        return Task.CompletedTask;
    }
}
