namespace OrleansKms.Grains.Keys.Activation;

/// <summary>What the audit trail records of an answer.</summary>
/// <param name="KeyVersion">The version used, or the new primary version.</param>
/// <param name="Bytes">Bytes of plaintext.</param>
/// <param name="Items">The number of items.</param>
/// <param name="FailedItems">The number of items that failed.</param>
internal readonly record struct AnswerFacts(int? KeyVersion = null, long? Bytes = null, int? Items = null, int? FailedItems = null)
{
    /// <summary>The facts of an answer; none for a refusal.</summary>
    public static AnswerFacts Of<T>(T? answer) => answer switch
    {
        Encrypted encrypted => new(encrypted.KeyVersion),
        Decrypted decrypted => new(decrypted.KeyVersion, decrypted.Plaintext.Length),
        DataKey dataKey => new(dataKey.KeyVersion),
        KeyDescription key => new(key.PrimaryVersion),
        ItemResult<Encrypted>[] items => OfItems(items, _ => 0),
        ItemResult<Decrypted>[] items => OfItems(items, decrypted => decrypted.Plaintext.Length),
        _ => default,
    };

    private static AnswerFacts OfItems<T>(ItemResult<T>[] items, Func<T, int> bytes)
        where T : class
    {
        var (failed, sum) = (0, 0L);
        foreach (var item in items)
        {
            failed += item.Value is null ? 1 : 0;
            sum += item.Value is { } value ? bytes(value) : 0;
        }

        return new(null, sum > 0 ? sum : null, items.Length, failed);
    }
}
