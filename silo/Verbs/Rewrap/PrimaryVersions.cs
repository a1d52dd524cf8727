using System.Collections.Concurrent;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>The primary versions of keys, as the service said within the last seconds: a key may rotate while a run goes on.</summary>
/// <param name="send">Sends a call.</param>
/// <param name="patience">How long the service may be without an answer.</param>
/// <param name="time">The clock.</param>
internal sealed class PrimaryVersions(Func<ServiceCall, CancellationToken, Task<ServiceAnswer>> send, TimeSpan patience, TimeProvider time)
{
    private static readonly TimeSpan _fresh = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, (long At, Task<(string Id, long Version)?> Known)> _keys = new(StringComparer.Ordinal);

    /// <summary>Whether a ciphertext is of its key's primary version.</summary>
    /// <param name="key">The key: an id or an alias.</param>
    /// <param name="ciphertext">The ciphertext's header.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Also false where the service does not tell this caller: then the rewrap says why, if it is refused too.</returns>
    /// <exception cref="VerbException">The service was without an answer for too long, or does not know this caller.</exception>
    public async Task<bool> IsPrimary(string key, CiphertextHeader ciphertext, CancellationToken cancellationToken)
    {
        var entry = _keys.GetOrAdd(key, name => (time.GetTimestamp(), Ask(name, cancellationToken)));
        if (entry.Known.IsCompleted && time.GetElapsedTime(entry.At) > _fresh)
        {
            var newer = (time.GetTimestamp(), Ask(key, cancellationToken));
            _keys[key] = entry = newer;
        }

        return await entry.Known is { } known && known.Id == ciphertext.KeyId && known.Version == ciphertext.KeyVersion;
    }

    private async Task<(string Id, long Version)?> Ask(string key, CancellationToken cancellationToken)
    {
        try
        {
            var answer = (await Patience.Send(send, ServiceCall.Get(ServiceCall.Of($"v1/keys/{key}")), patience, time, cancellationToken)).Json;
            return (answer.Text("id") ?? "", answer.Number("primary_version"));
        }
        catch (VerbException e) when (e.ExitCode is ExitCode.NotFound or ExitCode.Refused or ExitCode.Permission && e.Code is not "unauthenticated")
        {
            return null;
        }
    }
}
