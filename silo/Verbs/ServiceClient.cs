using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs;

/// <summary>
/// Calls a service. It follows no redirect, since a token is for the address that was named; sends again only what may be, a few times
/// and shortly; and turns everything that is not a good answer into a <see cref="VerbException"/>.
/// </summary>
internal sealed class ServiceClient : IDisposable
{
    private const int MaxAnswer = 64 * 1024 * 1024;
    private const int Attempts = 4;
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(5);

    private readonly ServiceConnection _connection;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    /// <summary>A client of one service. It connects with its first call.</summary>
    public ServiceClient(ServiceConnection connection, TimeProvider time)
    {
        (_connection, _time) = (connection, time);
        _http = new(Handler(connection)) { BaseAddress = connection.Address, Timeout = connection.Timeout, MaxResponseContentBufferSize = MaxAnswer };
        _http.DefaultRequestHeaders.Authorization = connection.Authorization;
        _http.DefaultRequestHeaders.UserAgent.Add(new("okms", null));
    }

    /// <summary>Sends a call until it is answered.</summary>
    /// <exception cref="VerbException">It was not answered well.</exception>
    public async Task<ServiceAnswer> Send(ServiceCall call, CancellationToken cancellationToken)
    {
        for (var (attempt, pause) = (1, _firstPause); ; attempt++, pause *= 2)
        {
            var (answer, failure, wait) = await Try(call, cancellationToken);
            if (answer is not null) return answer;
            if (attempt == Attempts || wait is null || wait > _longestPause) throw failure!;

            // Jitter, so that callers who failed together do not come back together.
            var least = wait.Value > pause ? wait.Value : pause;
            await Task.Delay(least * (1 + (Random.Shared.NextDouble() / 4)), _time, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler Handler(ServiceConnection connection)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = _connectTimeout,
            ActivityHeadersPropagator = null,
            // Proxies from the environment are for other machines.
            UseProxy = !connection.IsLocal,
        };
        if (connection.Address.Scheme != Uri.UriSchemeHttps) return handler;
        if (connection.Certificate is { } certificate) handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        if (connection.Authorities is { } authorities)
        {
            // Instead of the system's, and not beside them: who names authorities means these. Names are checked as ever.
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        return handler;
    }

    /// <summary>One attempt.</summary>
    /// <returns>The answer; or why there is none, and after which time another attempt may be made, if at all.</returns>
    private async Task<(ServiceAnswer? Answer, VerbException? Failure, TimeSpan? Wait)> Try(ServiceCall call, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(call.Method, call.Path);
        if (BodyOf(call) is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new("application/json");
        }

        var started = _time.GetTimestamp();
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var content = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (response.IsSuccessStatusCode || (call.TakesUnhealthy && response.StatusCode == HttpStatusCode.ServiceUnavailable && IsJson(response))) return (new((int)response.StatusCode, content), null, null);
            var failure = ServiceFailure.Of((int)response.StatusCode, content, _connection, response.Headers.RetryAfter?.Delta);
            return (null, failure, WaitOf(call, response));
        }
        catch (HttpRequestException e)
        {
            // A connection that was refused carried nothing.
            var isUnsent = e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError;
            return (null, ServiceFailure.Unreachable(e, _connection, call.MayRepeat || isUnsent), call.MayRepeat && !isUnsent && e.InnerException is not AuthenticationException ? TimeSpan.Zero : null);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            // A connection has less time than an answer.
            return (null, _time.GetElapsedTime(started) < _connection.Timeout ? ServiceFailure.NoConnection(e, _connection) : ServiceFailure.NoAnswer(e, _connection, call.MayRepeat), null);
        }
        catch (JsonException e)
        {
            throw ServiceFailure.NotOurs(_connection, e);
        }
    }

    // HttpClient sends a POST without a body again, up to three times, when a connection ends without an answer; not one with a body.
    private static byte[]? BodyOf(ServiceCall call) => call switch
    {
        { Verbatim: { } verbatim } => verbatim,
        { Body: { } json } => Encoding.UTF8.GetBytes(json.ToJsonString()),
        _ when call.Method == HttpMethod.Post => "{}"u8.ToArray(),
        _ => null,
    };

    private static bool IsJson(HttpResponseMessage response) => response.Content.Headers.ContentType?.MediaType == "application/json";

    /// <summary>When to send again what the service has not done: whatever was refused before it began, and what may be repeated.</summary>
    private static TimeSpan? WaitOf(ServiceCall call, HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.TooManyRequests || (call.MayRepeat && response.StatusCode == HttpStatusCode.ServiceUnavailable)
            ? response.Headers.RetryAfter?.Delta ?? TimeSpan.Zero
            : null;
}
