using System.Collections.Concurrent;

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Caches the facts of keys that policies look at. They never change while a key lives, and no id is reused, so each key is queried once.
/// </summary>
internal sealed class KeyFactsCache
{
    /// <summary>The maximum number of cached keys.</summary>
    public const int MaxRemembered = 16_384;

    private readonly ConcurrentDictionary<string, KeyFacts> _known = new(StringComparer.Ordinal);

    /// <summary>A key's facts; null if it does not exist.</summary>
    public ValueTask<KeyFacts?> Find(Call call, string keyId) =>
        _known.TryGetValue(keyId, out var facts) ? new(facts) : Ask(call, keyId);

    private async ValueTask<KeyFacts?> Ask(Call call, string keyId)
    {
        call.HasSpentTime();
        try
        {
            var facts = await call.Within(call.Services.Grains.GetGrain<IKeyPolicyGrain>(keyId).ReadFacts(new(call.Caller)));

            // Only existing keys are cached, so that callers who invent ids fill nothing.
            if (_known.Count >= MaxRemembered) _known.Clear();
            return _known[keyId] = facts;
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            return null;
        }
    }
}
