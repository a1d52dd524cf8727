namespace OrleansKms.Gateway.Security;

/// <summary>
/// Who may sign in, as the cluster knows it. It is asked every few seconds in the background, so that no request waits for it;
/// until the first answer nobody may.
/// </summary>
internal sealed partial class ClusterPrincipals(IGrainFactory grains, TimeProvider time, ILogger<ClusterPrincipals> log)
    : BackgroundService, IPrincipalSource
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _periodUntilKnown = TimeSpan.FromMilliseconds(500);
    private static readonly CredentialsQuery _query = new(new Caller("gateway", "gateway", "credentials"));

    private volatile byte[]? _administrator;

    public Principal? Find(ReadOnlySpan<char> token) =>
        _administrator is { } expected ? AdministratorToken.Match(token, expected) : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var wasReached = true;
        while (!stoppingToken.IsCancellationRequested)
        {
            var isReached = await Ask(wasReached);
            wasReached = isReached;
            await Task.Delay(_administrator is null ? _periodUntilKnown : _period, time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> Ask(bool wasReached)
    {
        try
        {
            _administrator = (await grains.GetGrain<IAccessGrain>(0).ListCredentials(_query)).AdministratorTokenSha256;
            return true;
        }
        catch (Exception e)
        {
            // Whatever it is, those who could sign in before still can. Once for each change, not once for each attempt.
            if (wasReached)
            {
                LogUnknown(log, e.Message);
            }

            return false;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The cluster does not tell who may sign in: {Reason}")]
    private static partial void LogUnknown(ILogger log, string reason);
}
