using System.Text;
using Microsoft.Extensions.Logging;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;
using Pkcs11Exception = OrleansKms.Grains.Hsm.Pkcs11Exception;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys in the HSM: generated there, never outside it, and every operation with the secret or private part is an HSM call. Of a version
/// the grain keeps only the CKA_ID, and the public part where there is one. <see cref="HsmMechanism"/> says how a token holds keys of each
/// spec.
/// </summary>
internal sealed partial class HsmKeyProvider(
    HsmToken hsm, HsmProofs proofs, int sessions, string serviceId, TimeProvider time, ILogger<HsmKeyProvider> logger) : IKeyProvider
{
    private readonly ulong _service = HsmKeyId.ServiceOf(serviceId);

    /// <inheritdoc/>
    public KeyProtection Protection => KeyProtection.Hsm;

    /// <inheritdoc/>
    public bool AnswersAtOnce => false;

    /// <inheritdoc/>
    public int Parallelism => sessions;

    /// <inheritdoc/>
    public bool IsSlow(KeyAlgorithm algorithm) => HsmMechanism.All.Any(m => m.Spec == algorithm.Spec && m.IsSlow);

    /// <inheritdoc/>
    public int SinceLevel(KeyAlgorithm algorithm, KeyUsage usage) =>
        Math.Max(algorithm.SinceLevel(usage), HsmMechanism.Find(algorithm, usage)?.SinceLevel ?? 0);

    /// <inheritdoc/>
    public IReadOnlyList<string> AlgorithmNames(KeyAlgorithm algorithm, KeyUsage usage) =>
        HsmMechanism.Find(algorithm, usage) is { } mechanism ? mechanism.AlgorithmNames(usage, proofs.Find(mechanism)) : [];

    /// <inheritdoc/>
    public async ValueTask UntilKnown(KeyAlgorithm algorithm, KeyUsage usage)
    {
        if (HsmMechanism.Find(algorithm, usage) is { } mechanism)
        {
            await proofs.GetSoon(mechanism, CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public IKeyVersion? OpenPublic(KeyAlgorithm algorithm, KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) =>
        HsmMechanism.Find(algorithm, usage)?.OpenPublic(proofs, usage, version, publicPart) ?? algorithm.OpenPublic(usage, version, publicPart);

    /// <inheritdoc/>
    public async ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken = default)
    {
        if (HsmMechanism.Find(algorithm, usage) is not { } mechanism)
        {
            return HsmMechanism.All.Any(m => m.Spec == algorithm.Spec)
                ? "The HSM does not support keys of this spec with this usage."
                : "The HSM does not support keys of this spec.";
        }

        return mechanism.WhyNot(await proofs.Get(mechanism, cancellationToken)) is not { } refusal ? null
            : usage == algorithm.Usages[0] ? $"The HSM does not support keys of this spec: {refusal}."
            : $"The HSM does not support keys of this spec with this usage: {refusal}.";
    }

    /// <inheritdoc/>
    public async ValueTask<GeneratedVersion> Generate(
        KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken = default)
    {
        if (HsmMechanism.Find(algorithm, usage) is not { } mechanism || await proofs.GetSoon(mechanism, cancellationToken) is not { } proof
            || mechanism.WhyNot(proof) is not null)
        {
            // The spec was checked at creation. By now it is another token, or one that no longer supports it, or it was not tried yet.
            throw KmsError.HsmUnavailable.Exception("The HSM does not make keys of this spec, or is still being tried for it.");
        }

        var id = HsmKeyId.New(_service, name.Incarnation, name.Version, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        var making = new Making(this, mechanism, proof, id, Label(name));
        var made = mechanism.IsSlow
            ? await hsm.RunSlowChange(making.Run, cancellationToken)
            : await hsm.RunChange(making.Run, CancellationToken.None);
        var kept = new SecretBytes(HsmKeyId.Length);
        id.ToArray().CopyTo(kept.Span);
        return new(kept, made.PublicPart) { For = name, OnAbandon = made.Dispose };
    }

    /// <inheritdoc/>
    public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart = null)
    {
        // The kept bytes are sealed, so a mismatch with the name is a defect, not an attack.
        return HsmKeyId.TryRead(kept, out var id) && IsOf(id, name)
            && HsmMechanism.Find(algorithm, usage) is { } mechanism
            ? mechanism.Open(hsm, proofs, id.ToArray(), usage, name, publicPart)
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
    private void Destroy(HsmSession session, IEnumerable<IGrouping<HsmKeyId, ulong>> made)
    {
        Pkcs11Exception? failure = null;
        foreach (var key in made)
        {
            try
            {
                hsm.Destructions.Destroy(session, [.. key], key.Key.ToArray());
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
    /// The keys of this name on the token, with all their objects: none, one, or several where silos raced to make the version. Found by
    /// the label, identified by the id.
    /// </summary>
    private List<IGrouping<HsmKeyId, ulong>> FindMade(HsmSession session, KeyVersionName name)
    {
        List<(ulong Key, HsmKeyId Id)> made = [];
        foreach (var key in session.Find(new Pkcs11Template().Add(CKA.CKA_TOKEN, true).Add(CKA.CKA_LABEL, Label(name)), most: 1000))
        {
            if (HsmKeyId.TryRead(session.Attribute(key, CKA.CKA_ID), out var id) && IsOf(id, name))
            {
                made.Add((key, id));
            }
        }

        return [.. made.GroupBy(m => m.Id, m => m.Key)];
    }

    private static string Label(KeyVersionName name) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name.KeyId} v{name.Version}");

    /// <summary>Destroys, in the background, a key that was made and that no version took. What then is left is an orphan.</summary>
    private async Task Abandon(HsmKeyId id)
    {
        try
        {
            await hsm.RunInBackground(
                session =>
                {
                    DestroyMade(session, id);
                    return true;
                },
                CancellationToken.None);
        }
        catch (KmsException e)
        {
            NotAbandoned(id.ToString(), e.InnerException?.Message ?? e.Message);
        }
    }

    private void RequireGone(HsmSession session, HsmKeyId id) =>
        hsm.Destructions.RequireGone(session, other => other == id.ToString());

    private void DestroyMade(HsmSession session, HsmKeyId id)
    {
        session.ForgetKeys();
        if (session.FindAll(id.ToArray()) is { Count: > 0 } objects)
        {
            hsm.Destructions.Destroy(session, objects, id.ToArray());
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The key {ObjectId} on the token, which no version took, could not be destroyed: {Reason}")]
    private partial void NotAbandoned(string objectId, string reason);

    /// <summary>Makes one key. The work may run again when it failed or its session was lost, and the first run may have been carried out.</summary>
    private sealed class Making(HsmKeyProvider provider, HsmMechanism mechanism, HsmProof proof, HsmKeyId id, string label)
    {
        private bool _isAgain;

        public Made Run(HsmSession session)
        {
            byte[]? publicPart = null;
            try
            {
                if (!IsThere(session))
                {
                    _isAgain = true;
                    publicPart = mechanism.Make(session, proof, id.ToArray(), label);
                }

                Check(session, publicPart);
            }
            catch (HsmException e) when (!e.IsTokenLost)
            {
                DestroyMade(session);
                throw;
            }

            return new(publicPart, () => _ = provider.Abandon(id));
        }

        /// <summary>Whether an earlier run has made it. Of a pair the public key is lost then, so it is made again.</summary>
        private bool IsThere(HsmSession session)
        {
            if (!_isAgain)
            {
                return false;
            }

            if (session.FindAll(id.ToArray()).Count == 0)
            {
                // What could not be destroyed is there, though the module no longer shows it: no second key gets its id.
                provider.RequireGone(session, id);
                return false;
            }

            if (mechanism.Class == CKO.CKO_SECRET_KEY)
            {
                return true;
            }

            provider.DestroyMade(session, id);
            return false;
        }

        /// <summary>Destroys what may have been made. What cannot be destroyed is an orphan, and remembered as one.</summary>
        private void DestroyMade(HsmSession session)
        {
            try
            {
                provider.DestroyMade(session, id);
            }
            catch (HsmException e)
            {
                provider.NotAbandoned(id.ToString(), e.Message);
            }
        }

        /// <summary>Requires that a new key is as requested.</summary>
        private void Check(HsmSession session, byte[]? publicPart)
        {
            var key = session.FindKey(id.ToArray(), mechanism.Class) ?? throw new HsmException("The token does not find the key that it just made.");
            var violation = mechanism.Violation(session, proof, key, publicPart);

            // The label is how the key is found when it is to be destroyed.
            if (violation is null && (session.Attribute(key, CKA.CKA_LABEL) is not { } kept || Encoding.UTF8.GetString(kept) != label))
            {
                violation = "it does not keep its CKA_LABEL";
            }

            if (violation is not null)
            {
                throw new HsmException($"The token made a key other than the one requested: {violation}.");
            }
        }
    }

    /// <summary>A key that was made.</summary>
    /// <param name="PublicPart">Its public part.</param>
    /// <param name="Abandon">Destroys it.</param>
    private sealed record Made(byte[]? PublicPart, Action Abandon) : IDisposable
    {
        /// <summary>Nobody takes it: it is destroyed.</summary>
        public void Dispose() => Abandon();
    }
}
