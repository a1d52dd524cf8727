using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>
/// A root key in an HSM: made there, never outside it, found by the CKA_ID that the database records. KEKs go to the HSM to be
/// wrapped and opened, and nothing else does, so that a cold key costs no call of the HSM.
/// </summary>
internal sealed partial class HsmRootKey(HsmToken hsm, HsmOptions options, HsmRootStore roots, ILogger<HsmRootKey> logger) : IRootKey
{
    private const int NewIdLength = 16;
    private const string WrapPurpose = "okms.kek.wrap";

    private byte[]? _keyId;
    private HsmRootCipher? _cipher;

    /// <inheritdoc/>
    public string Id => HsmRootStore.RootId(_keyId ?? throw NotOpen());

    private HsmRootCipher Cipher => _cipher ?? throw NotOpen();

    private string Label => options.Address.RootLabel ?? HsmOptions.DefaultRootLabel;

    /// <inheritdoc/>
    public async Task Open(bool mayCreate, CancellationToken cancellationToken)
    {
        if (_cipher is not null)
        {
            return;
        }

        await hsm.Connect(cancellationToken);
        var id = await FindRecorded(cancellationToken) ?? await Adopt(mayCreate, cancellationToken)
            ?? await Create(mayCreate, cancellationToken);
        var (cipher, knownAnswer) = await hsm.RunAtStart(session => Prove(session, id), cancellationToken);
        hsm.Trust(knownAnswer, cipher.Gcm);
        (_keyId, _cipher) = (id, cipher);
        RootOpened(Id, cipher, options.Address);
    }

    /// <inheritdoc/>
    public async Task<byte[]> Wrap(KekId id, SecretBytes kek, CancellationToken cancellationToken)
    {
        var cipher = Cipher;
        return await hsm.Run(
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
            : hsm.Run(session => Unwrap(session, cipher, id, message), cancellationToken);
    }

    private SecretBytes? Unwrap(HsmSession session, HsmRootCipher cipher, KekId id, byte[] message)
    {
        var opened = GC.AllocateArray<byte>(message.Length, pinned: true);
        try
        {
            var length = cipher.Unwrap(session, Key(session), message, header => Context(id, header), opened, hsm.IsTokenWell);
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
    private async Task<byte[]?> FindRecorded(CancellationToken cancellationToken)
    {
        foreach (var id in await roots.Read(cancellationToken))
        {
            if (IsWanted(id) && await hsm.RunAtStart(session => session.FindKey(id) is not null, cancellationToken))
            {
                return id;
            }
        }

        return null;
    }

    private bool IsWanted(byte[] id) => options.Address.RootId is not { } wanted || wanted.Span.SequenceEqual(id);

    /// <summary>
    /// Takes a key that an operator made with the HSM's own tools, for a database that has no root yet: the one that the URI
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
        var template = HsmSession.SecretKeys();
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
                ? $"HSM_ADDRESS: no root key of the token {options.Address} belongs to this database, whose keys another root key wrapped. Start with that one."
                : $"HSM_ADDRESS: the root key {HsmRootStore.RootId(recorded[0])} of this database is missing from the token {options.Address}. Put it back; no new one is made.");
        }

        if (!options.MayCreateRoot)
        {
            throw new StartRefusedException(
                $"HSM_ADDRESS: the token {options.Address} has no root key. Make one there, or set OKMS_HSM_CREATE_ROOT=true for this start.");
        }

        var id = recorded.Count > 0 ? recorded[0] : options.Address.RootId?.ToArray() ?? RandomNumberGenerator.GetBytes(NewIdLength);
        await roots.Add(id, Description, cancellationToken);
        await hsm.RunAtStart(
            session =>
            {
                session.GenerateAesKey(HsmKeyRules.NewKey(id, Label));
                return true;
            },
            cancellationToken);
        var rootId = HsmRootStore.RootId(id);
        RootCreated(rootId, options.Address);
        return id;
    }

    private string Description => $"{options.Address};object={Label}";

    private (HsmRootCipher, HsmKnownAnswer) Prove(HsmSession session, byte[] id)
    {
        var key = Checked(session, id);
        var cipher = HsmRootCipher.Prove(session, key, options.LargestMessage);
        return (cipher, cipher.NewKnownAnswer(session, key, id));
    }

    private ulong Checked(HsmSession session, byte[] id)
    {
        var key = session.FindKey(id)
            ?? throw new HsmException($"The root key {HsmRootStore.RootId(id)} is missing from the token {options.Address}.");
        return HsmKeyRules.Violation(session, key) is { } violation
            ? throw new HsmException($"The root key {HsmRootStore.RootId(id)} is refused: {violation}.")
            : key;
    }

    private static InvalidOperationException NotOpen() => new("The root key is not open yet.");

    [LoggerMessage(Level = LogLevel.Information, Message = "Root key {RootId} created in the token {Token}")]
    private partial void RootCreated(string rootId, HsmAddress token);

    [LoggerMessage(Level = LogLevel.Information, Message = "Root key {RootId} open in the token {Token}: {Mechanisms}")]
    private partial void RootOpened(string rootId, HsmRootCipher mechanisms, HsmAddress token);
}
