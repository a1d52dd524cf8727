using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>The trusted JWT issuers. Their keys are fetched in the background; a start does not wait for them.</summary>
internal sealed class JwtIssuers : BackgroundService
{
    /// <summary>The issuers in the settings.</summary>
    public JwtIssuers(GatewayOptions options, TimeProvider time, ILogger<JwtIssuers> log)
        : this([.. options.JwtIssuers.Select(issuer =>
            new IssuerKeys(issuer, cancellation => IssuerDocuments.ReadKeys(issuer, cancellation), time, log))])
    {
    }

    internal JwtIssuers(IReadOnlyList<IssuerKeys> all) => All = all;

    /// <summary>All issuers.</summary>
    public IReadOnlyList<IssuerKeys> All { get; }

    /// <summary>Whether the keys of all issuers are known; null if there are no issuers.</summary>
    public bool? AreKnown => All.Count == 0 ? null : All.All(issuer => issuer.Current is not null);

    /// <summary>What is wrong, in words that anyone may read; null if nothing is wrong.</summary>
    public string? Problem =>
        AreKnown == false ? "The keys of a JWT issuer are unknown; its tokens cannot be checked."
        : All.Any(issuer => issuer.IsAway) ? "A JWT issuer is unreachable; its last known keys are used."
        : null;

    /// <summary>The issuer with a name; null if it is not trusted.</summary>
    public IssuerKeys? Find(string name)
    {
        foreach (var issuer in All)
        {
            if (issuer.Issuer.Name == name) return issuer;
        }

        return null;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Task.WhenAll(All.Select(issuer => issuer.KeepFresh(stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }
}
