using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// A root key in an HSM: generated there, never outside it, found by the CKA_ID that the database records. Only KEKs go to the
/// HSM, to be wrapped and opened, so a cold key costs no HSM call.
/// </summary>
internal sealed partial class HsmRootKey(HsmToken hsm, HsmOptions options, HsmRootStore roots, ILogger<HsmRootKey> logger) : IRootKey
{
    private const int NewIdLength = 16;
    private const string WrapPurpose = "okms.kek.wrap";

    // 48 bytes with the hash: a length that differs from a wrapped KEK of either form, so that neither passes for the other, even
    // where the token's mechanism takes no associated data.
    private static readonly byte[] _macLabel = "okms.ring.mac.v1"u8.ToArray();

    private byte[]? _keyId;
    private HsmRootCipher? _cipher;

    /// <inheritdoc/>
    public string Id => HsmRootStore.RootId(_keyId ?? throw NotOpen());

    private HsmRootCipher Cipher => _cipher ?? throw NotOpen();

    /// <summary>The token and the label of its roots, as recorded.</summary>
    public string Description => $"{options.Address};object={Label}";

    private string Label => options.Address.RootLabel ?? HsmOptions.DefaultRootLabel;

    /// <inheritdoc/>
    public async Task Open(bool mayCreate, CancellationToken cancellationToken)
    {
        if (_cipher is not null)
        {
            return;
        }

        await hsm.Connect(cancellationToken);
        await Open(
            await FindRecorded(except: null, cancellationToken) ?? await Adopt(mayCreate, cancellationToken)
                ?? await Create(mayCreate, cancellationToken),
            cancellationToken);
    }

    /// <summary>Opens the root with this CKA_ID.</summary>
    /// <returns>Whether the token has it.</returns>
    /// <exception cref="StartRefusedException">
    /// The token cannot be used, or the key lacks the properties of a root key.
    /// </exception>
    public async Task<bool> TryOpen(byte[] id, CancellationToken cancellationToken)
    {
        await hsm.Connect(cancellationToken);
        if (!await IsOnToken(id, cancellationToken))
        {
            return false;
        }

        await Open(id, cancellationToken);
        return true;
    }

    /// <summary>
    /// Opens a root other than the given one: the first recorded one on this token, or else the key that the URI names by its id.
    /// </summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="StartRefusedException">
    /// The token cannot be used, or the key lacks the properties of a root key.
    /// </exception>
    public async Task<bool> TryOpenOther(string? except, CancellationToken cancellationToken)
    {
        await hsm.Connect(cancellationToken);
        var id = await FindRecorded(except, cancellationToken);
        if (id is null && options.Address.RootId is { } named && HsmRootStore.RootId(named.Span) != except
            && await IsOnToken(named.ToArray(), cancellationToken))
        {
            id = named.ToArray();
        }

        if (id is not null)
        {
            await Open(id, cancellationToken);
        }

        return id is not null;
    }

    /// <summary>Generates a root beside the existing ones, and opens it. It is recorded before it is generated.</summary>
    /// <param name="unfinished">
    /// The id of a root recorded on this token before that may not exist yet; null for a new one.
    /// </param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="StartRefusedException">The token refused.</exception>
    public async Task OpenNew(byte[]? unfinished, CancellationToken cancellationToken)
    {
        await hsm.Connect(cancellationToken);
        var id = unfinished ?? options.Address.RootId?.ToArray() ?? RandomNumberGenerator.GetBytes(NewIdLength);
        if (await IsOnToken(id, cancellationToken))
        {
            await roots.Add(id, Description, cancellationToken);
        }
        else
        {
            await Make(id, cancellationToken);
        }

        await Open(id, cancellationToken);
    }

    /// <summary>Destroys the key with this CKA_ID.</summary>
    /// <returns>Whether the token had it.</returns>
    /// <exception cref="StartRefusedException">The token cannot be used, or failed to destroy it.</exception>
    public async Task<bool> Destroy(byte[] id, CancellationToken cancellationToken)
    {
        await hsm.Connect(cancellationToken);
        return await hsm.RunAtStart(
            session =>
            {
                session.ForgetKeys();
                if (session.FindKey(id) is not { } key)
                {
                    return false;
                }

                session.Destroy(key);
                return session.FindKey(id) is null
                    ? true
                    : throw new HsmException($"The token {options.Address} still has the root key {HsmRootStore.RootId(id)} after it was destroyed.");
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<byte[]> Wrap(KekId id, SecretBytes kek, CancellationToken cancellationToken)
    {
        var cipher = Cipher;
        return await hsm.RunRepeatable(
            session =>
            {
                var secret = GC.AllocateArray<byte>(kek.Length, pinned: true);
                try
                {
                    kek.Span.CopyTo(secret);
                    return cipher.Wrap(session, Key(session), secret, header => Context(id, header));
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(secret);
                }
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<SecretBytes?> Unwrap(KekId id, ReadOnlyMemory<byte> wrapped, CancellationToken cancellationToken)
    {
        var cipher = Cipher;
        var message = wrapped.ToArray();
        return message.Length < 2
            ? Task.FromResult<SecretBytes?>(null)
            : hsm.RunRepeatable(session => Unwrap(session, cipher, id, message), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<byte[]> Authenticate(ReadOnlyMemory<byte> manifest, CancellationToken cancellationToken)
    {
        var (cipher, expected) = (Cipher, Labelled(manifest));
        return hsm.RunRepeatable(session => cipher.Wrap(session, Key(session), expected, MacContext), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<bool> IsAuthentic(ReadOnlyMemory<byte> manifest, ReadOnlyMemory<byte> mac, CancellationToken cancellationToken)
    {
        var (cipher, expected, message) = (Cipher, Labelled(manifest), mac.ToArray());
        return message.Length < 2
            ? Task.FromResult(false)
            : hsm.RunRepeatable(
                session =>
                {
                    var opened = new byte[message.Length];
                    var length = cipher.Unwrap(session, Key(session), message, MacContext, opened, () => hsm.IsTokenWell(session));
                    return length is { } known && CryptographicOperations.FixedTimeEquals(opened.AsSpan(0, known), expected);
                },
                cancellationToken);
    }

    private byte[] Labelled(ReadOnlyMemory<byte> manifest) => [.. _macLabel, .. SHA256.HashData(RingManifest.Bound(Id, manifest.Span))];

    private byte[] MacContext(byte[] header) =>
        new AssociatedData().Add(RingManifest.Purpose).Add(Id).Add(header).Span.ToArray();

    private SecretBytes? Unwrap(HsmSession session, HsmRootCipher cipher, KekId id, byte[] message)
    {
        var opened = GC.AllocateArray<byte>(message.Length, pinned: true);
        try
        {
            var length = cipher.Unwrap(session, Key(session), message, header => Context(id, header), opened, () => hsm.IsTokenWell(session));
            if (length is null)
            {
                return null;
            }

            var kek = new SecretBytes(length.Value);
            opened.AsSpan(0, length.Value).CopyTo(kek.Span);
            return kek;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(opened);
        }
    }

    private ulong Key(HsmSession session) =>
        session.FindKey(_keyId!) ?? throw new HsmLostException("The token no longer has the root key.");

    private byte[] Context(KekId id, byte[] header) =>
        new AssociatedData().Add(WrapPurpose).Add(Id).Add(id).Add(header).Span.ToArray();

    /// <summary>The first recorded root that is on this token.</summary>
    private async Task<byte[]?> FindRecorded(string? except, CancellationToken cancellationToken)
    {
        foreach (var id in await roots.Read(cancellationToken))
        {
            if (IsWanted(id) && HsmRootStore.RootId(id) != except && await IsOnToken(id, cancellationToken))
            {
                return id;
            }
        }

        return null;
    }

    private bool IsWanted(byte[] id) => options.Address.RootId is not { } wanted || wanted.Span.SequenceEqual(id);

    /// <summary>
    /// Adopts a key that an operator made with the HSM's own tools, for a database that has no root yet: the key that the URI
    /// names by its id or its label.
    /// </summary>
    private async Task<byte[]?> Adopt(bool mayCreate, CancellationToken cancellationToken)
    {
        if (!mayCreate || (options.Address.RootId is null && (options.MayCreateRoot || options.Address.RootLabel is null)))
        {
            return null;
        }

        var id = await hsm.RunAtStart(FindNamed, cancellationToken);
        if (id is not null)
        {
            await hsm.RunAtStart(session => Checked(session, id), cancellationToken);
            await roots.Add(id, Description, cancellationToken);
        }

        return id;
    }

    private byte[]? FindNamed(HsmSession session)
    {
        var template = HsmSession.Objects(CKO.CKO_SECRET_KEY);
        if (options.Address.RootId is { } id)
        {
            template.Add(CKA.CKA_ID, id.Span);
        }

        if (options.Address.RootLabel is { } label)
        {
            template.Add(CKA.CKA_LABEL, label);
        }

        var found = session.Find(template, most: 2);
        return found.Count switch
        {
            0 => null,
            1 => session.Attribute(found[0], CKA.CKA_ID) is { Length: > 0 } named
                ? named
                : throw new HsmException("The root key has no CKA_ID by which it could be found again. Give it one."),
            _ => throw new HsmException("The token has several keys that could be the root key; name one by its id."),
        };
    }

    private async Task<byte[]> Create(bool mayCreate, CancellationToken cancellationToken)
    {
        var recorded = (await roots.Read(cancellationToken)).FindAll(IsWanted);
        if (!mayCreate)
        {
            throw new StartRefusedException(recorded.Count == 0
                ? $"{options.Setting}: no root key of the token {options.Address} belongs to this database, whose keys another root key wrapped. Start with that one."
                : $"{options.Setting}: the root key {HsmRootStore.RootId(recorded[0])} of this database is missing from the "
                    + $"token {options.Address}. Restore it; no new one is generated. If it was destroyed, nothing can open "
                    + "this database, nor the other backups of its time.");
        }

        if (!options.MayCreateRoot)
        {
            throw new StartRefusedException(
                $"{options.Setting}: the token {options.Address} has no root key. Generate one there, or set "
                    + "OKMS_HSM_CREATE_ROOT=true for this start.");
        }

        var id = recorded.Count > 0 ? recorded[0] : options.Address.RootId?.ToArray() ?? RandomNumberGenerator.GetBytes(NewIdLength);
        await Make(id, cancellationToken);
        return id;
    }

    /// <summary>
    /// Generates a usable root key. A session key proves first what it can, so that most unusable tokens are left as they were; a
    /// root key that then fails the proof is destroyed. It is recorded before it is generated.
    /// </summary>
    private async Task Make(byte[] id, CancellationToken cancellationToken)
    {
        await hsm.RunAtStart(ProveFirst, cancellationToken);
        await roots.Add(id, Description, cancellationToken);
        try
        {
            await Generate(id, cancellationToken);
            await hsm.RunAtStart(session => Prove(session, id), cancellationToken);
        }
        catch (StartRefusedException refusal)
        {
            if (await WhyNotUndone(id, cancellationToken) is { } why)
            {
                throw new StartRefusedException(
                    $"{refusal.Message} The root key {HsmRootStore.RootId(id)} that was made for this may be left in the token; destroy it with the HSM's own tools. {why}", refusal);
            }

            throw;
        }
    }

    private bool ProveFirst(HsmSession session)
    {
        ulong key;
        try
        {
            key = session.GenerateSessionKey(HsmKeyRules.Aes.NewKey(RandomNumberGenerator.GetBytes(NewIdLength), Label));
        }
        catch (HsmException e) when (!e.IsTokenLost)
        {
            // Not every token supports session keys. Then the root key itself is the proof.
            return false;
        }

        try
        {
            HsmRootCipher.Prove(session, key, options.MaxMessage);
            return true;
        }
        finally
        {
            session.DestroySessionKey(key);
        }
    }

    private async Task<string?> WhyNotUndone(byte[] id, CancellationToken cancellationToken)
    {
        try
        {
            await Destroy(id, cancellationToken);
            return null;
        }
        catch (StartRefusedException e)
        {
            return e.Message;
        }
    }

    private async Task Generate(byte[] id, CancellationToken cancellationToken)
    {
        await hsm.RunAtStart(
            session =>
            {
                session.ForgetKeys();
                session.GenerateAesKey(HsmKeyRules.Aes.NewKey(id, Label));
                return true;
            },
            cancellationToken);
        var rootId = HsmRootStore.RootId(id);
        RootCreated(rootId, options.Address);
    }

    private Task<bool> IsOnToken(byte[] id, CancellationToken cancellationToken) =>
        hsm.RunAtStart(session => session.FindKey(id) is not null, cancellationToken);

    private async Task Open(byte[] id, CancellationToken cancellationToken)
    {
        var (cipher, knownAnswer) = await hsm.RunAtStart(session => Prove(session, id), cancellationToken);
        hsm.Trust(knownAnswer, cipher.Gcm);
        (_keyId, _cipher) = (id, cipher);
        RootOpened(Id, cipher, options.Address);
    }

    private (HsmRootCipher, HsmKnownAnswer) Prove(HsmSession session, byte[] id)
    {
        var key = Checked(session, id);
        var cipher = HsmRootCipher.Prove(session, key, options.MaxMessage);
        return (cipher, cipher.NewKnownAnswer(session, key, id));
    }

    private ulong Checked(HsmSession session, byte[] id)
    {
        var key = session.FindKey(id)
            ?? throw new HsmException($"The root key {HsmRootStore.RootId(id)} is missing from the token {options.Address}.");
        return HsmKeyRules.Aes.Violation(session, key) is { } violation
            ? throw new HsmException($"The root key {HsmRootStore.RootId(id)} is refused: {violation}.")
            : key;
    }

    private static InvalidOperationException NotOpen() => new("The root key is not open yet.");

    [LoggerMessage(Level = LogLevel.Information, Message = "Root key {RootId} created in the token {Token}")]
    private partial void RootCreated(string rootId, HsmAddress token);

    [LoggerMessage(Level = LogLevel.Information, Message = "Root key {RootId} open in the token {Token}: {Mechanisms}")]
    private partial void RootOpened(string rootId, HsmRootCipher mechanisms, HsmAddress token);
}
