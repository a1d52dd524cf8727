using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// One signed-in session with the token. Not thread-safe. Handles of keys are valid only within their session, so they are cached
/// in it.
/// </summary>
internal sealed partial class HsmSession(Pkcs11Module module, ulong slot, ulong handle, int connection, HsmHandles known) : ITokenCipher, IDisposable
{
    // Enough to compare one key with the next; a larger cache would be scanned for a million keys.
    private const int HandlesKept = 4096;

    private readonly Dictionary<string, (ulong Handle, long FoundAt)> _handles = new(StringComparer.Ordinal);

    /// <summary>The number of the connection that the session belongs to; a session of an older one is no longer used.</summary>
    public int Connection => connection;

    /// <summary>Whether the session's handle is still this session in the module. Only inside a module call.</summary>
    public bool IsOfThisInitialisation => Initialisation == module.Finalisations;

    /// <summary>How often the module had been finalised when the session was opened.</summary>
    public int Initialisation { get; } = module.Finalisations;

    private Pkcs11Library Functions => module.Functions;

    /// <summary>The handle of the one key with this CKA_ID; null when there is none.</summary>
    /// <param name="id">The CKA_ID.</param>
    /// <param name="objectClass">The key's class.</param>
    /// <exception cref="HsmException">There are several.</exception>
    public ulong? FindKey(ReadOnlySpan<byte> id, CKO objectClass = CKO.CKO_SECRET_KEY)
    {
        var name = Convert.ToHexString(id);
        if (_handles.TryGetValue(name, out var kept) && known.IsGood(name, kept.FoundAt))
        {
            return kept.Handle;
        }

        var now = known.Now;
        var found = Find(Objects(objectClass).Add(CKA.CKA_ID, id), most: 2);
        if (found.Count > 1)
        {
            throw new HsmException($"The token has several keys with the id {name}.");
        }

        if (found.Count == 0)
        {
            _handles.Remove(name);
            return null;
        }

        if (_handles.Count >= HandlesKept)
        {
            _handles.Clear();
        }

        _handles[name] = (found[0], now);
        return found[0];
    }

    /// <summary>What all objects of a class on the token have in common.</summary>
    public static Pkcs11Template Objects(CKO objectClass) =>
        new Pkcs11Template().Add(CKA.CKA_CLASS, (ulong)objectClass).Add(CKA.CKA_TOKEN, true);

    /// <summary>The handles of all objects on the token with this CKA_ID, of whatever class: the parts of a pair share it.</summary>
    public List<ulong> FindAll(ReadOnlySpan<byte> id) => Find(new Pkcs11Template().Add(CKA.CKA_TOKEN, true).Add(CKA.CKA_ID, id), most: 1000);

    /// <summary>The handles of the objects that match.</summary>
    public List<ulong> Find(Pkcs11Template template, int most)
    {
        var attributes = template.ToArray();
        using var look = module.LookAtObjects();
        Require("C_FindObjectsInit", Functions.C_FindObjectsInit(handle, attributes, (ulong)attributes.Length));
        GC.KeepAlive(template);
        var found = new List<ulong>();
        try
        {
            var chunk = new ulong[Math.Min(most, 256)];
            ulong count = 0;
            do
            {
                Require("C_FindObjects", Functions.C_FindObjects(handle, chunk, (ulong)chunk.Length, ref count));
                found.AddRange(chunk.AsSpan(0, (int)count));
            }
            while (count > 0 && found.Count < most);
        }
        finally
        {
            Functions.C_FindObjectsFinal(handle);
        }

        return found;
    }

    /// <summary>An attribute's value; null when the object or the token lacks it or does not show it.</summary>
    public byte[]? Attribute(ulong key, CKA type)
    {
        var template = new[] { new CK_ATTRIBUTE { type = (ulong)type } };
        using var look = module.LookAtObjects();
        var code = Functions.C_GetAttributeValue(handle, key, template, 1);
        if (code is CKR.CKR_ATTRIBUTE_TYPE_INVALID or CKR.CKR_ATTRIBUTE_SENSITIVE)
        {
            return null;
        }

        Require("C_GetAttributeValue", code);
        if (template[0].valueLen > 1 << 20)
        {
            return null;
        }

        var value = GC.AllocateArray<byte>((int)template[0].valueLen, pinned: true);
        if (value.Length > 0)
        {
            template[0].value = System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(value, 0);
            Require("C_GetAttributeValue", Functions.C_GetAttributeValue(handle, key, template, 1));
        }

        return value[..(int)template[0].valueLen];
    }

    /// <inheritdoc/>
    public (TokenAnswer Answer, byte[] Ciphertext) TryEncrypt(CK_MECHANISM mechanism, ulong key, byte[] plaintext, int room)
    {
        var code = Functions.C_EncryptInit(handle, ref mechanism, key);
        if (code == CKR.CKR_OPERATION_ACTIVE && TryReplace())
        {
            code = Functions.C_EncryptInit(handle, ref mechanism, key);
        }

        if (code != CKR.CKR_OK)
        {
            return (new("C_EncryptInit", code), []);
        }

        var ciphertext = new byte[room];
        var length = (ulong)room;
        code = Ended(Functions.C_Encrypt(handle, plaintext, (ulong)plaintext.Length, ciphertext, ref length));
        return (new("C_Encrypt", code), code != CKR.CKR_OK ? [] : length == (ulong)room ? ciphertext : ciphertext[..(int)length]);
    }

    /// <inheritdoc/>
    public TokenAnswer TryDecrypt(CK_MECHANISM mechanism, ulong key, byte[] ciphertext, byte[] plaintext, out int length)
    {
        length = 0;
        var code = Functions.C_DecryptInit(handle, ref mechanism, key);
        if (code == CKR.CKR_OPERATION_ACTIVE && TryReplace())
        {
            code = Functions.C_DecryptInit(handle, ref mechanism, key);
        }

        if (code != CKR.CKR_OK)
        {
            return new("C_DecryptInit", code);
        }

        var written = (ulong)plaintext.Length;
        code = Ended(Functions.C_Decrypt(handle, ciphertext, (ulong)ciphertext.Length, plaintext, ref written));
        length = code == CKR.CKR_OK ? (int)written : 0;
        return new("C_Decrypt", code);
    }

    /// <summary>Drops the cached handles of keys, which may have changed.</summary>
    public void ForgetKeys() => _handles.Clear();

    /// <summary>Closes the session. An error from the module does not matter: a lost session is closed.</summary>
    public void Dispose()
    {
        using (module.Enter())
        {
            CloseInCall();
        }
    }

    /// <summary>The same, inside a call of the module.</summary>
    public void CloseInCall()
    {
        // After a reinitialisation the same handle may be another session's.
        if (IsOfThisInitialisation)
        {
            Functions.C_CloseSession(handle);
        }
    }

    // Every other error ends the operation; this one lets the caller retry with more room, which nobody here does.
    private CKR Ended(CKR code)
    {
        if (code == CKR.CKR_BUFFER_TOO_SMALL)
        {
            TryReplace();
        }

        return code;
    }

    // PKCS#11 v2.40 has no other way to end an operation. The old session is closed last, because closing a process's last
    // session signs it out.
    private bool TryReplace()
    {
        ulong next = 0;
        if (Functions.C_OpenSession(slot, CKF.CKF_SERIAL_SESSION, IntPtr.Zero, IntPtr.Zero, ref next) != CKR.CKR_OK)
        {
            return false;
        }

        Functions.C_CloseSession(handle);
        handle = next;
        return true;
    }

    private Writable OpenWritable()
    {
        ulong writable = 0;
        Require("C_OpenSession", Functions.C_OpenSession(
            slot, CKF.CKF_SERIAL_SESSION | CKF.CKF_RW_SESSION, IntPtr.Zero, IntPtr.Zero, ref writable));
        return new Writable(Functions, writable);
    }

    private static void Require(string function, CKR code)
    {
        if (code != CKR.CKR_OK)
        {
            throw new Pkcs11Exception(function, code);
        }
    }

    // The user is signed in for all sessions of the process, so this one needs no PIN.
    private readonly struct Writable(Pkcs11Library functions, ulong session) : IDisposable
    {
        public ulong Handle => session;

        public void Dispose() => functions.C_CloseSession(session);
    }
}
