using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>Stands before a service, lets so many requests pass and holds the others, so that a client can be killed at a known place.</summary>
internal sealed class Turnstile : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private int _passes;
    private int _held;
    private (int Count, TaskCompletionSource Reached) _waited = (int.MaxValue, new());

    private Turnstile(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public static async Task<Turnstile> Start(Tests.Api.Api api)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var gate = new Turnstile(app);
        app.Run(async context =>
        {
            if (gate.Passes()) await Forward(api.Http, context);
            else await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await app.StartAsync();
        return gate;
    }

    /// <summary>Lets so many requests pass from now on.</summary>
    public void Let(int passes)
    {
        lock (_lock) (_passes, _held) = (passes, 0);
    }

    /// <summary>Until so many requests are held.</summary>
    public Task Full(int held)
    {
        lock (_lock)
        {
            _waited = (held, new(TaskCreationOptions.RunContinuationsAsynchronously));
            if (_held >= held) _waited.Reached.SetResult();
            return _waited.Reached.Task;
        }
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private bool Passes()
    {
        lock (_lock)
        {
            if (_passes-- > 0) return true;
            if (++_held >= _waited.Count) _waited.Reached.TrySetResult();
            return false;
        }
    }

    private static async Task Forward(HttpClient service, HttpContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), context.Request.Path + context.Request.QueryString.Value)
        {
            Content = new StreamContent(context.Request.Body),
        };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(context.Request.ContentType!);
        using var answer = await service.SendAsync(request);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(context.Response.Body);
    }
}
