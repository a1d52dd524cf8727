namespace OrleansKms.Silo.Hosting;

/// <summary>
/// A branch of the request pipeline, with its own routing, that is built at the first request: once, however many come at the
/// same time, and again at a later request if it failed.
/// </summary>
/// <param name="build">Builds it.</param>
internal sealed class LateBranch(Func<RequestDelegate> build)
{
    private readonly Lock _lock = new();
    private Task<RequestDelegate>? _branch;

    /// <summary>Answers a request that the outer routing has brought here.</summary>
    public async Task Invoke(HttpContext http)
    {
        var branch = await Branch();
        // The inner routing leaves a request alone that already has an endpoint.
        http.SetEndpoint(null);
        http.Request.RouteValues.Clear();
        await branch(http);
    }

    private Task<RequestDelegate> Branch()
    {
        lock (_lock)
        {
            if (_branch is null or { IsFaulted: true }) _branch = Task.Run(build);
            return _branch;
        }
    }
}
