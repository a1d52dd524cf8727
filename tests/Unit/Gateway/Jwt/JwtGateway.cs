using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Access.Jwt;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>The sign-in of a gateway that trusts one issuer, whose keys and whose principals the test says.</summary>
internal sealed class JwtGateway : IAccessFactsGrain, IDisposable
{
    public const string Issuer = "https://issuer.example";
    public const string SecondIssuer = "https://second.example";
    public const string Audience = "okms.example";
    public const string Subject = "system:serviceaccount:shop:cards";

    private readonly Dictionary<string, PrincipalFacts> _facts = [];
    private readonly List<string> _changes = [];
    private readonly KnownPrincipals _principals;
    private readonly Credentials _credentials;

    public JwtGateway(JwtIssuer? issuer = null, bool trustsSecond = false)
    {
        Keys = new(issuer ?? new JwtIssuer { Name = Issuer, Audiences = [Audience, "other.example"] }, Read, Time, NullLogger.Instance);
        _principals = new(_ => this, ClusterLink.InProcess, Time, NullLogger.Instance);
        Failed = new(Time);
        Issuers = new(trustsSecond ? [Keys, new(new JwtIssuer { Name = SecondIssuer, Audiences = [Audience] }, ReadSecond, Time, NullLogger.Instance)] : [Keys]);
        _credentials = SignInParts.Credentials(new NoAdministrator(), _principals, Time, Issuers, Failed);
        Give(Subject, "cards");
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public IssuerKeys Keys { get; }

    public JwtIssuers Issuers { get; }

    public FailedSignIns Failed { get; }

    /// <summary>What the issuer publishes; null while it is away.</summary>
    public string? KeySet { get; set; }

    /// <summary>What the second issuer publishes, if it is trusted; null while it is away.</summary>
    public string? SecondKeySet { get; set; }

    /// <summary>How often the issuer was asked.</summary>
    public int Reads { get; private set; }

    /// <summary>Claims that sign in.</summary>
    public string Claims(string more = "") =>
        $$"""{"iss":"{{Issuer}}","sub":"{{Subject}}","aud":"{{Audience}}",{{more}}"exp":{{Seconds(600)}}}""";

    /// <summary>A time as claims have it.</summary>
    public long Seconds(int fromNow) => Time.GetUtcNow().ToUnixTimeSeconds() + fromNow;

    public void Give(string subject, string name, bool isEnabled = true, string issuer = Issuer)
    {
        lock (_facts)
        {
            _facts[CredentialName.OfJwt(issuer, subject)] = new()
            {
                Name = name,
                IsEnabled = isEnabled,
                Policies = [BuiltInPolicies.All["key-user"]],
                Limits = [],
            };
        }

        _changes.Add("principal:" + name);
    }

    /// <summary>Has the gateway hear of changes.</summary>
    public Task Refresh() => _principals.Refresh();

    public Task<Lookup> Find(string token, string source = "here")
    {
        var http = new DefaultHttpContext();
        http.Request.Path = "/v1/keys";
        http.Request.Headers.Authorization = "Bearer " + token;
        return _credentials.Find(http.Request, source).AsTask();
    }

    public void Dispose()
    {
        _principals.Dispose();
        Issuers.Dispose();
    }

    public ValueTask<FoundPrincipal> Find(FindPrincipal query)
    {
        lock (_facts) return new(new FoundPrincipal(_facts.GetValueOrDefault(query.Credential)));
    }

    public ValueTask<AccessChanges> Changes(AccessChangesQuery query) =>
        new(new AccessChanges(_changes.Count, false, [.. _changes.Skip((int)query.Since)], TimeSpan.Zero, TimeSpan.FromDays(30)));

    private Task<byte[]> ReadSecond(CancellationToken cancellation) => SecondKeySet is { } keys
        ? Task.FromResult(System.Text.Encoding.UTF8.GetBytes(keys))
        : Task.FromException<byte[]>(new HttpRequestException("nobody there"));

    private Task<byte[]> Read(CancellationToken cancellation)
    {
        Reads++;
        return KeySet is { } keys
            ? Task.FromResult(System.Text.Encoding.UTF8.GetBytes(keys))
            : Task.FromException<byte[]>(new HttpRequestException("nobody there"));
    }

    private sealed class NoAdministrator : IPrincipalSource
    {
        public bool IsReady => true;

        public Principal? Find(ReadOnlySpan<char> token) => null;
    }
}
