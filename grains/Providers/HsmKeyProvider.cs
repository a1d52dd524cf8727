using System.Buffers.Binary;
using System.Text;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Hsm;
using Pkcs11Exception = OrleansKms.Grains.Hsm.Pkcs11Exception;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Keys in the HSM: made there, never outside it, and every operation is a call of it. What the grain keeps of a version is
/// its CKA_ID. The ciphertexts are those of FORMAT.md, byte for byte as the software makes them.
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
    public bool IsAvailable => hsm is { IsUp: true, Gcm: not null };

    /// <inheritdoc/>
    public bool Supports(KeyAlgorithm algorithm) => algorithm is Aes256GcmAlgorithm && hsm.Gcm is { LargestMessage: > 0 };

    /// <inheritdoc/>
    public async ValueTask<SecretBytes> Generate(KeyAlgorithm algorithm, KeyVersionName name)
    {
        if (!Supports(algorithm))
        {
            // Which specs it has was asked at the creation. It is another token now, or none that does this.
            throw KmsError.HsmUnavailable.Exception("The HSM does not make keys of this spec.");
        }

        var madeId = HsmKeyId.New(
            _service, name.Incarnation, name.Version, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        var id = madeId.ToArray();
        var isAgain = false;
        await hsm.RunChange(
            session =>
            {
                // The work is done twice when it failed or its session was lost, and it may have been carried out before.
                if (!isAgain || session.FindKey(id) is null)
                {
                    isAgain = true;
                    session.GenerateAesKey(HsmKeyRules.NewKey(id, Label(name)));
                }

                RequireGood(session, madeId, Label(name));
                return true;
            },
            CancellationToken.None);
        var kept = new SecretBytes(id.Length);
        id.CopyTo(kept.Span);
        return kept;
    }

    /// <inheritdoc/>
    public IVersionOperations Open(KeyAlgorithm algorithm, KeyVersionName name, ReadOnlySpan<byte> kept)
    {
        // What is kept is sealed, so that it differs from what the name says is not an attack but a defect.
        return HsmKeyId.TryRead(kept, out var id) && IsOf(id, name) && algorithm is Aes256GcmAlgorithm
            ? new HsmVersion(hsm, id.ToArray(), algorithm.Id, name)
            : throw KmsError.KeyCorrupted.Exception();
    }

    /// <inheritdoc/>
    public async ValueTask Destroy(KeyVersionName name) => await hsm.RunChange(
        session =>
        {
            var made = FindMade(session, name);
            Destroy(session, made);

            // A token that shows no key has none of this name only if it shows what it must have: who is signed out, or no token
            // at all, sees nothing either.
            if (made.Count == 0)
            {
                hsm.RequireToken(session);
            }

            hsm.Destructions.RequireGone(
                session, destroyed => HsmKeyId.TryRead(Convert.FromHexString(destroyed), out var id) && IsOf(id, name));
            return true;
        },
        CancellationToken.None);

    // One that it fails to destroy keeps it from none of the others.
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
    /// The keys of this name on the token: none, one, or more where silos raced to make the version. Found by the label, known
    /// by the id.
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

    /// <summary>Requires of a key that was just made that it is as it was asked for. One that is not is destroyed.</summary>
    private void RequireGood(HsmSession session, HsmKeyId id, string label)
    {
        var key = session.FindKey(id.ToArray()) ?? throw new HsmException("The token does not find the key that it has just made.");
        var violation = HsmKeyRules.Violation(session, key);

        // By which it is found when it is to be destroyed.
        if (violation is null && (session.Attribute(key, CKA.CKA_LABEL) is not { } kept || Encoding.UTF8.GetString(kept) != label))
        {
            violation = "it does not keep its CKA_LABEL";
        }

        if (violation is not null)
        {
            hsm.Destructions.Destroy(session, key, id.ToArray());
            throw new HsmException($"The token made another key than it was asked for: {violation}.");
        }
    }

    private static string Label(KeyVersionName name) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name.KeyId} v{name.Version}");

    private sealed class HsmVersion : IVersionOperations
    {
        private readonly HsmToken _hsm;
        private readonly byte[] _id;
        private readonly byte[] _header;
        private bool _disposed;

        public HsmVersion(HsmToken hsm, byte[] id, byte algorithm, KeyVersionName name)
        {
            (_hsm, _id, Version) = (hsm, id, name.Version);
            _header = new byte[CiphertextHeader.FixedLength + name.KeyId.Length];
            _header[1] = algorithm;
            BinaryPrimitives.WriteInt32BigEndian(_header.AsSpan(2), name.Version);
            _header[6] = (byte)name.KeyId.Length;
            Encoding.ASCII.GetBytes(name.KeyId, _header.AsSpan(CiphertextHeader.FixedLength));
        }

        public int Version { get; }

        public int Overhead => _header.Length + TokenGcm.Overhead;

        public async ValueTask<byte[]> Encrypt(
            CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData)
        {
            if (kind is < CiphertextKind.Data or > CiphertextKind.DataKeyPair)
            {
                throw new ArgumentOutOfRangeException(nameof(kind));
            }

            var gcm = Gcm();
            if (plaintext.Length > gcm.LargestMessage)
            {
                throw KmsError.PayloadTooLarge.Exception($"The HSM takes plaintexts to {gcm.LargestMessage} bytes.");
            }

            byte[] header = [.. _header];
            header[0] = (byte)kind;
            byte[] bound = [.. header, .. associatedData.Span];
            var message = plaintext.ToArray();
            try
            {
                return await _hsm.RunRepeatable(
                    session => (byte[])[.. header, .. gcm.Encrypt(session, Key(session), message, bound)], CancellationToken.None);
            }
            finally
            {
                // A call that was given up and still runs makes something of zeros that nobody gets.
                System.Security.Cryptography.CryptographicOperations.ZeroMemory(message);
            }
        }

        public async ValueTask<byte[]?> Decrypt(
            CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData)
        {
            var gcm = Gcm();
            if (ciphertext.Length < Overhead || !IsOwn(header, ciphertext.Span))
            {
                return null;
            }

            byte[] bound = [.. ciphertext.Span[.._header.Length], .. associatedData.Span];
            var message = ciphertext[_header.Length..].ToArray();
            try
            {
                return await _hsm.RunRepeatable(session => Decrypt(session, gcm, message, bound), CancellationToken.None);
            }
            catch (KmsException e) when (e.InnerException is HsmSizeException size)
            {
                // Encrypted when the token took more. That it is genuine cannot be denied.
                throw KmsError.PayloadTooLarge.Exception(size.Message);
            }
        }

        public void Dispose()
        {
            _disposed = true;

            // It may have been closed because another silo has destroyed it.
            _hsm.Forget(_id);
        }

        private byte[]? Decrypt(HsmSession session, TokenGcm gcm, byte[] message, byte[] bound)
        {
            var plaintext = new byte[message.Length - GcmParameters.IvLength];
            var length = gcm.Decrypt(session, Key(session), message, bound, plaintext, () => _hsm.IsTokenWell(session));
            if (length is null)
            {
                return null;
            }

            var exact = plaintext[..length.Value];
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(plaintext);
            return exact;
        }

        private ulong Key(HsmSession session) =>
            session.FindKey(_id) ?? throw new HsmException($"The token has no key {Convert.ToHexStringLower(_id)}.");

        private TokenGcm Gcm()
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _hsm.Gcm ?? throw KmsError.HsmUnavailable.Exception();
        }

        // As in the software: what names another version or id must not reach this key.
        private bool IsOwn(in CiphertextHeader header, ReadOnlySpan<byte> ciphertext) =>
            header.Kind is >= CiphertextKind.Data and <= CiphertextKind.DataKeyPair
            && ciphertext[0] == (byte)header.Kind
            && header.Algorithm == _header[1]
            && header.KeyVersion == Version
            && header.Length == _header.Length
            && ciphertext.Slice(1, _header.Length - 1).SequenceEqual(_header.AsSpan(1));
    }
}
