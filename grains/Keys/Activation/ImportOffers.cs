using System.Globalization;
using System.Security.Cryptography;
using Orleans.Storage;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The parameters of a key's imports: makes them, gives each out once, and erases what nobody may use any more. A token is an id, which
/// finds the parameters, and a secret, under which their private key is sealed.
/// </summary>
/// <remarks>
/// They are used up before the material is unwrapped, by a write that only one of several activations can make; so a private key serves
/// for one attempt. Whoever guesses at a token uses up nothing.
/// </remarks>
internal static class ImportOffers
{
    /// <summary>Length of a token in bytes.</summary>
    public const int TokenLength = IdLength + XAes256Gcm.KeyLength;

    private const string Purpose = "okms.import.private-key";
    private const int IdLength = 16;
    private const int MaxLostRaces = 3;

    /// <summary>Keeps the parameters of an import for a caller, whose earlier ones are void.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">Its row.</param>
    /// <param name="caller">Who may use them.</param>
    /// <param name="wrapping">The key that material is to be wrapped with.</param>
    /// <exception cref="KmsException">conflict: too many callers have some.</exception>
    public static async Task<ImportParameters> Add(KeyActivation key, KeyRow row, Caller caller, WrappingKey wrapping)
    {
        var expiresAt = key.Now + KmsLimits.ImportParametersLife;
        await key.Imports.Require(await NextExpiry(key, row) is { } next && next < expiresAt ? next : expiresAt);
        var token = new byte[TokenLength];
        RandomNumberGenerator.Fill(token);
        var offer = new ImportOffer(IdOf(token), caller.Principal, expiresAt, key.Services.Epoch.Number, []);
        offer = offer with { PrivateKey = Seal(key.Id, row.Incarnation, offer, token, wrapping.Private.Span) };
        await Change(key, row.Incarnation, offers =>
        {
            var others = offers.Where(one => IsGood(key, one) && one.Principal != caller.Principal).ToList();
            return others.Count < KmsLimits.ImportersOfKey
                ? [.. others, offer]
                : throw KmsError.Conflict.Exception(
                    $"{KmsLimits.ImportersOfKey} other callers have parameters for an import of this key; they expire within a day.");
        });
        return new(token, wrapping.Public, expiresAt);
    }

    /// <summary>Finds parameters by their token and uses them up.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">Its row.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="token">Any bytes.</param>
    /// <returns>Their id, and the private key (PKCS#8), which the caller disposes; null if the caller has no such parameters.</returns>
    public static async Task<(string Id, SecretBytes PrivateKey)?> Take(KeyActivation key, KeyRow row, Caller caller, byte[] token)
    {
        if (token.Length != TokenLength)
        {
            return null;
        }

        SecretBytes? opened = null;
        var id = IdOf(token);
        try
        {
            await Change(key, row.Incarnation, offers =>
            {
                opened?.Dispose();
                opened = offers.FirstOrDefault(one => one.Id == id) is { } offer && offer.Principal == caller.Principal && IsGood(key, offer)
                    && row.Versions.All(version => version.Import != id)
                    ? Open(key.Id, row.Incarnation, offer, token)
                    : null;
                return opened is null ? offers : [.. offers.Where(one => one.Id != id)];
            });
            return opened is null ? null : (id, opened);
        }
        catch
        {
            opened?.Dispose();
            throw;
        }
    }

    /// <summary>Erases what has expired; everything of a key that is destroyed.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">Its row.</param>
    /// <returns>When the next parameters expire; null for none.</returns>
    public static async Task<DateTimeOffset?> EraseExpired(KeyActivation key, KeyRow row)
    {
        await Change(
            key, row.Incarnation,
            offers => row.State == KeyState.Destroyed ? [] : offers.All(one => IsGood(key, one)) ? offers : [.. offers.Where(one => IsGood(key, one))]);
        return await NextExpiry(key, row);
    }

    private static async Task<DateTimeOffset?> NextExpiry(KeyActivation key, KeyRow row)
    {
        var slot = Slot(key);
        await slot.Read();
        return slot.Row is { Offers: { Count: > 0 } offers } stored && stored.Incarnation == row.Incarnation ? offers.Min(one => one.ExpiresAt) : null;
    }

    private static RowSlot<KeyImportsRow> Slot(KeyActivation key) =>
        new(key.Services.Storage, key.Grain.GrainContext.GrainId, RowNames.KeyImports);

    // After a restore, parameters that were used may be back.
    private static bool IsGood(KeyActivation key, ImportOffer offer) => offer.ExpiresAt > key.Now && offer.Epoch == key.Services.Epoch.Number;

    /// <summary>Changes the row, again if another activation was faster.</summary>
    /// <param name="key">The key.</param>
    /// <param name="incarnation">The key's life; parameters of another are as good as none.</param>
    /// <param name="change">The change; the same list for none.</param>
    private static async Task Change(
        KeyActivation key, Incarnation incarnation, Func<IReadOnlyList<ImportOffer>, IReadOnlyList<ImportOffer>> change)
    {
        for (var lostRaces = 0; ; lostRaces++)
        {
            var slot = Slot(key);
            await slot.Read();
            var offers = slot.Row is { } stored && stored.Incarnation == incarnation ? stored.Offers : [];
            var next = change(offers);
            if (ReferenceEquals(next, offers) || (next.Count == 0 && offers.Count == 0))
            {
                return;
            }

            try
            {
                await slot.Write(new() { Incarnation = incarnation, Offers = next });
                return;
            }
            catch (InconsistentStateException) when (lostRaces < MaxLostRaces)
            {
                // The row is read again: what another import has used up is gone then.
            }
        }
    }

    private static string IdOf(ReadOnlySpan<byte> token) => Convert.ToHexStringLower(token[..IdLength]);

    private static byte[] Seal(string keyId, Incarnation incarnation, ImportOffer offer, ReadOnlySpan<byte> token, ReadOnlySpan<byte> privateKey)
    {
        var sealedKey = new byte[RowLayout.SealOverhead + privateKey.Length];
        var nonce = sealedKey.AsSpan(0, XAes256Gcm.NonceLength);
        NonceSource.System.Next(nonce);
        using var cipher = new XAes256Gcm(token[IdLength..]);
        cipher.Encrypt(
            nonce, privateKey, sealedKey.AsSpan(nonce.Length, privateKey.Length), sealedKey.AsSpan(nonce.Length + privateKey.Length),
            Context(keyId, incarnation, offer));
        return sealedKey;
    }

    private static SecretBytes? Open(string keyId, Incarnation incarnation, ImportOffer offer, ReadOnlySpan<byte> token)
    {
        var length = offer.PrivateKey.Length - RowLayout.SealOverhead;
        if (length <= 0)
        {
            return null;
        }

        var privateKey = new SecretBytes(length);
        using var cipher = new XAes256Gcm(token[IdLength..]);
        ReadOnlySpan<byte> sealedKey = offer.PrivateKey;
        if (cipher.TryDecrypt(
            sealedKey[..XAes256Gcm.NonceLength], sealedKey[XAes256Gcm.NonceLength..^XAes256Gcm.TagLength], sealedKey[^XAes256Gcm.TagLength..],
            privateKey.Span, Context(keyId, incarnation, offer)))
        {
            return privateKey;
        }

        privateKey.Dispose();
        return null;
    }

    private static ReadOnlySpan<byte> Context(string keyId, Incarnation incarnation, ImportOffer offer) => new AssociatedData()
        .Add(Purpose)
        .Add(keyId)
        .Add(incarnation)
        .Add(offer.Id)
        .Add(offer.Principal)
        .Add(offer.ExpiresAt.UtcTicks.ToString(CultureInfo.InvariantCulture))
        .Add(offer.Epoch.ToString(CultureInfo.InvariantCulture))
        .Span;
}
