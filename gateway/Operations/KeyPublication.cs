namespace OrleansKms.Gateway.Operations;

/// <summary>
/// The public keys that verify the tokens of all keys of a prefix. The set is whole or refused: a verifier that kept a part of it would
/// refuse good tokens.
/// </summary>
internal static class KeyPublication
{
    private const int AtOnce = 32;

    /// <summary>Reads them, in the order of the key ids, each key's newest version first.</summary>
    /// <param name="call">The request. Of the keys, those count that it may see.</param>
    /// <param name="prefix">The beginning of the ids; empty for all.</param>
    /// <exception cref="KmsException">invalid_parameter: there are too many.</exception>
    public static async Task<List<(string KeyId, PublishedKey Key)>> Read(Call call, string prefix)
    {
        var page = await Pages.OfKeys(call, prefix, after: null, KmsLimits.PageItems, destroyed: false, KmsOperation.ListJwks);
        if (page.HasMore)
        {
            throw KmsError.InvalidParameter.Exception($"More than {KmsLimits.PageItems} keys begin with this 'prefix': give a longer one.");
        }

        var published = new List<(string, PublishedKey)>();
        foreach (var some in page.Ids.Chunk(AtOnce))
        {
            var each = await Task.WhenAll(some.Select(id => ReadOne(call, id)));
            foreach (var (id, keys) in some.Zip(each))
            {
                if (keys is null) continue;
                published.AddRange(keys.Keys.Select(key => (id, key)));
                if (keys.HasMore || published.Count > KmsLimits.PublishedKeys)
                {
                    throw KmsError.InvalidParameter.Exception(
                        $"More than {KmsLimits.PublishedKeys} versions are published below this 'prefix': give a longer one, or disable old versions.");
                }
            }
        }

        return published;
    }

    /// <summary>Those of one key; null for one that publishes none to this caller.</summary>
    private static async Task<PublishedKeys?> ReadOne(Call call, string id)
    {
        try
        {
            // A silo of an older version does not tell the usage.
            if (await call.Services.KeyFacts.Find(call, id) is not { Usage: null or KeyUsage.Jws }) return null;
            var grain = call.Services.Grains.GetGrain<IPublishedKeysGrain>(id);
            return await NewSilos.Ask(() => new ValueTask<PublishedKeys>(call.Within(grain.Read(new(call.Caller, KmsLimits.PublishedKeys)))));
        }
        catch (KmsException e) when (e.Error == KmsError.PermissionDenied || e.Error == KmsError.KeyNotFound || e.Error == KmsError.KeyDestroyed)
        {
            // By the key's own policy, or gone since it was listed.
            return null;
        }
    }
}
