using System.Text;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;
using Pkcs11Exception = OrleansKms.Grains.Hsm.Pkcs11Exception;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys in the HSM: generated there, never outside it, and every operation is an HSM call. Of a version the grain keeps only the
/// CKA_ID. <see cref="HsmMechanism"/> says how a token holds keys of each spec.
/// </summary>
internal sealed class HsmKeyProvider(HsmToken hsm, int sessions, string serviceId, TimeProvider time) : IKeyProvider
{
    private readonly ulong _service = HsmKeyId.ServiceOf(serviceId);

    /// <inheritdoc/>
    public KeyProtection Protection => KeyProtection.Hsm;

    /// <inheritdoc/>
    public bool AnswersAtOnce => false;

    /// <inheritdoc/>
    public int Parallelism => sessions;

    /// <inheritdoc/>
    public bool Supports(KeyAlgorithm algorithm) => HsmMechanism.Find(algorithm) is { } mechanism && mechanism.IsOffered(hsm);

    /// <inheritdoc/>
    public async ValueTask<GeneratedVersion> Generate(KeyAlgorithm algorithm, KeyVersionName name, CancellationToken cancellationToken = default)
    {
        if (HsmMechanism.Find(algorithm) is not { } mechanism || !mechanism.IsOffered(hsm))
        {
            // The spec was checked at creation. By now it is another token, or one that no longer supports it.
            throw KmsError.HsmUnavailable.Exception("The HSM does not make keys of this spec.");
        }

        var madeId = HsmKeyId.New(
            _service, name.Incarnation, name.Version, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        var id = madeId.ToArray();
        var isAgain = false;
        await hsm.RunChange(
            session =>
            {
                // The work runs twice when it failed or its session was lost, and the first run may have been carried out.
                if (!isAgain || session.FindKey(id) is null)
                {
                    isAgain = true;
                    mechanism.Make(session, id, Label(name));
                }

                RequireGood(session, mechanism, madeId, Label(name));
                return true;
            },
            CancellationToken.None);
        var kept = new SecretBytes(id.Length);
        id.CopyTo(kept.Span);
        return new(kept, PublicPart: null);
    }

    /// <inheritdoc/>
    public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept)
    {
        // The kept bytes are sealed, so a mismatch with the name is a defect, not an attack.
        return HsmKeyId.TryRead(kept, out var id) && IsOf(id, name) && HsmMechanism.Find(algorithm) is { } mechanism
            ? mechanism.Open(hsm, id.ToArray(), usage, name)
            : throw KmsError.KeyCorrupted.Exception();
    }

    /// <inheritdoc/>
    public async ValueTask Destroy(KeyVersionName name) => await hsm.RunChange(
        session =>
        {
            var made = FindMade(session, name);
            Destroy(session, made);

            // A token that shows no key has none of this name only if it still shows what it must have: without a sign-in, or
            // without a token, nothing shows either.
            if (made.Count == 0)
            {
                hsm.RequireToken(session);
            }

            hsm.Destructions.RequireGone(
                session, destroyed => HsmKeyId.TryRead(Convert.FromHexString(destroyed), out var id) && IsOf(id, name));
            return true;
        },
        CancellationToken.None);

    // One that cannot be destroyed does not stop the others.
    private void Destroy(HsmSession session, IEnumerable<(ulong Key, HsmKeyId Id)> made)
    {
        Pkcs11Exception? failure = null;
        foreach (var (key, id) in made)
        {
            try
            {
                hsm.Destructions.Destroy(session, key, id.ToArray());
            }
            catch (Pkcs11Exception e) when (!e.IsTokenLost)
            {
                failure ??= e;
            }
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    private bool IsOf(HsmKeyId id, KeyVersionName name) =>
        id.Service == _service && id.Incarnation == name.Incarnation && id.Version == name.Version;

    /// <summary>
    /// The keys of this name on the token: none, one, or several where silos raced to make the version. Found by the label,
    /// identified by the id.
    /// </summary>
    private List<(ulong Key, HsmKeyId Id)> FindMade(HsmSession session, KeyVersionName name)
    {
        List<(ulong, HsmKeyId)> made = [];
        foreach (var key in session.Find(HsmSession.SecretKeys().Add(CKA.CKA_LABEL, Label(name)), most: 1000))
        {
            if (HsmKeyId.TryRead(session.Attribute(key, CKA.CKA_ID), out var id) && IsOf(id, name))
            {
                made.Add((key, id));
            }
        }

        return made;
    }

    /// <summary>Requires that a new key is as requested; destroys it otherwise.</summary>
    private void RequireGood(HsmSession session, HsmMechanism mechanism, HsmKeyId id, string label)
    {
        var key = session.FindKey(id.ToArray()) ?? throw new HsmException("The token does not find the key that it just made.");
        var violation = mechanism.Violation(session, key);

        // The label is how the key is found when it is to be destroyed.
        if (violation is null && (session.Attribute(key, CKA.CKA_LABEL) is not { } kept || Encoding.UTF8.GetString(kept) != label))
        {
            violation = "it does not keep its CKA_LABEL";
        }

        if (violation is not null)
        {
            hsm.Destructions.Destroy(session, key, id.ToArray());
            throw new HsmException($"The token made a key other than the one requested: {violation}.");
        }
    }

    private static string Label(KeyVersionName name) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name.KeyId} v{name.Version}");
}
