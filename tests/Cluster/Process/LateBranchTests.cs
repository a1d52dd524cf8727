using Microsoft.AspNetCore.Http;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>A branch of the pipeline that the first request builds.</summary>
public sealed class LateBranchTests
{
    [Fact]
    public async Task FirstRequests_AtTheSameTime_BuildItOnce()
    {
        var builds = 0;
        var mayBuild = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answered = 0;
        var branch = new LateBranch(() =>
        {
            Interlocked.Increment(ref builds);
            mayBuild.Task.Wait();
            return _ =>
            {
                Interlocked.Increment(ref answered);
                return Task.CompletedTask;
            };
        });
        var requests = Enumerable.Range(0, 8).Select(_ => branch.Invoke(new DefaultHttpContext())).ToList();
        Assert.All(requests, request => Assert.False(request.IsCompleted));
        mayBuild.SetResult();
        await Task.WhenAll(requests);
        Assert.Equal((1, 8), (builds, answered));
    }

    [Fact]
    public async Task FailedBuild_IsTriedAgain()
    {
        var builds = 0;
        var branch = new LateBranch(() => ++builds == 1 ? throw new InvalidOperationException("no room") : _ => Task.CompletedTask);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => branch.Invoke(new DefaultHttpContext()));
        Assert.Equal("no room", failure.Message);
        await branch.Invoke(new DefaultHttpContext());
        await branch.Invoke(new DefaultHttpContext());
        Assert.Equal(2, builds);
    }

    /// <summary>What the routing outside has found must not keep the routing inside from looking.</summary>
    [Fact]
    public async Task Routing_BeginsAnew()
    {
        var http = new DefaultHttpContext();
        http.SetEndpoint(new Endpoint(null, null, "outside"));
        http.Request.RouteValues["rest"] = "index.html";
        await new LateBranch(() => inside =>
        {
            Assert.Null(inside.GetEndpoint());
            Assert.Empty(inside.Request.RouteValues);
            return Task.CompletedTask;
        }).Invoke(http);
    }
}
