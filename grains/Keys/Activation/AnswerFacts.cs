namespace OrleansKms.Grains.Keys.Activation;

/// <summary>What the audit trail records of an answer.</summary>
/// <param name="KeyVersion">The version used, or the new primary version.</param>
/// <param name="Bytes">Bytes of plaintext.</param>
/// <param name="Items">The number of items.</param>
/// <param name="FailedItems">The number of items that failed.</param>
/// <param name="Detail">What else there is to say.</param>
internal readonly record struct AnswerFacts(
    int? KeyVersion = null, long? Bytes = null, int? Items = null, int? FailedItems = null, string? Detail = null)
{
    // An audit trail should tell who was shown signatures that are none.
    private const string NotValid = "not valid";

    /// <summary>The facts of an answer; none for a refusal.</summary>
    public static AnswerFacts Of<T>(T? answer) => answer switch
    {
        Encrypted encrypted => new(encrypted.KeyVersion),
        Decrypted decrypted => new(decrypted.KeyVersion, decrypted.Plaintext.Length),
        DataKey dataKey => new(dataKey.KeyVersion),
        Signature signature => new(signature.KeyVersion),
        DataKeyPair pair => new(pair.KeyVersion),
        GeneratedMac mac => new(mac.KeyVersion),
        Derived derived => new(derived.KeyVersion),
        Jws jws => new(jws.KeyVersion),
        Encapsulated encapsulated => new(encapsulated.KeyVersion),
        Decapsulated decapsulated => new(decapsulated.KeyVersion),
        Verified verified => new(verified.KeyVersion, Detail: verified.IsValid ? null : NotValid),
        PublicKeyDescription publicKey => new(publicKey.KeyVersion),
        ExportedKey exported => new(exported.KeyVersion),
        KeyDescription key => new(key.PrimaryVersion),
        ItemResult<Encrypted>[] items => OfItems(items, _ => 0),
        ItemResult<Decrypted>[] items => OfItems(items, decrypted => decrypted.Plaintext.Length),
        ItemResult<Signature>[] items => OfItems(items, _ => 0),
        ItemResult<GeneratedMac>[] items => OfItems(items, _ => 0),
        ItemResult<Verified>[] items => OfItems(items, _ => 0) with { Detail = NotValidOf(items) },
        _ => default,
    };

    private static string? NotValidOf(ItemResult<Verified>[] items) =>
        items.Count(item => item.Value is { IsValid: false }) is > 0 and var many ? FormattableString.Invariant($"{many} {NotValid}") : null;

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
