using System.Collections.Concurrent;

namespace OrleansKms.Gateway.Operations;

/// <summary>What policies look at of keys. It never changes while a key lives, and no id is used twice, so each key is asked once.</summary>
internal sealed class KeyFactsCache
{
    /// <summary>Of how many keys it is remembered.</summary>
    public const int MaxRemembered = 16_384;

    private readonly ConcurrentDictionary<string, KeyFacts> _known = new(StringComparer.Ordinal);

    /// <summary>A key's facts; null where there is no such key.</summary>
    public ValueTask<KeyFacts?> Find(Call call, string keyId) =>
        _known.TryGetValue(keyId, out var facts) ? new(facts) : Ask(call, keyId);

    private async ValueTask<KeyFacts?> Ask(Call call, string keyId)
    {
        call.HasSpentTime();
        try
        {
            var facts = await call.Within(call.Services.Grains.GetGrain<IKeyPolicyGrain>(keyId).ReadFacts(new(call.Caller)));

            // Only keys that exist come here, so that callers who invent ids fill nothing.
            if (_known.Count >= MaxRemembered) _known.Clear();
            return _known[keyId] = facts;
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            return null;
        }
    }
}
