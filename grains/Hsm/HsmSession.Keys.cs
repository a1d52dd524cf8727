using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>Makes and destroys keys.</summary>
internal sealed partial class HsmSession
{
    /// <summary>Generates an AES key on the token. Opens a read-write session for it, and closes that again.</summary>
    public void GenerateAesKey(Pkcs11Template template) => GenerateKey(CKM.CKM_AES_KEY_GEN, template);

    /// <summary>The same for any secret key.</summary>
    /// <param name="maker">The mechanism that makes it.</param>
    /// <param name="template">Its attributes.</param>
    public void GenerateKey(CKM maker, Pkcs11Template template) => GenerateKey(template, attributes => Generate(maker, attributes));

    /// <summary>Generates a secret key that lives as long as this session, or until it is destroyed.</summary>
    /// <returns>Its handle.</returns>
    /// <exception cref="Pkcs11Exception">The token refused.</exception>
    public ulong GenerateSessionKey(Pkcs11Template template, CKM maker = CKM.CKM_AES_KEY_GEN) => GenerateKey(
        template.With(CKA.CKA_TOKEN, false), sessionKey => Generate(handle, maker, sessionKey));

    /// <summary>Puts a key that is known here into this session; it lives as long.</summary>
    /// <returns>Its handle.</returns>
    /// <exception cref="Pkcs11Exception">The token refused.</exception>
    public ulong CreateSessionKey(Pkcs11Template template)
    {
        using var change = module.ChangeObjects();
        var attributes = template.ToArray();
        ulong key = 0;
        var code = Functions.C_CreateObject(handle, attributes, (ulong)attributes.Length, ref key);
        GC.KeepAlive(template);
        Require("C_CreateObject", code);
        return key;
    }

    /// <summary>Destroys a key of this session.</summary>
    public void DestroySessionKey(ulong key)
    {
        using var change = module.ChangeObjects();
        Functions.C_DestroyObject(handle, key);
    }

    /// <summary>Generates a pair, of which only the private key stays on the token.</summary>
    /// <typeparam name="T">What is read.</typeparam>
    /// <param name="pair">The pair.</param>
    /// <param name="readPublic">Reads the public key, by its handle, while it is there.</param>
    /// <exception cref="HsmException">The token refused, or failed. It may hold parts of the pair, which have its CKA_ID.</exception>
    public T GeneratePair<T>(HsmPair pair, Func<ulong, T> readPublic)
    {
        // Nothing is left of the public key: it is no more than an object of this session, which ends here.
        using var writable = OpenWritable();
        try
        {
            return readPublic(GeneratePair(writable.Handle, pair, isPublicOnToken: false, isPrivateOnToken: true).Public);
        }
        catch (Pkcs11Exception e) when (MayNotKnow(e.Code) && e.Function.StartsWith("C_GenerateKeyPair", StringComparison.Ordinal))
        {
            // Not every token lets the two live apart. An unspecific error may have come after the private key was made.
            DestroyAll(writable.Handle, pair.Private.Find(CKA.CKA_ID)!);
        }

        var (publicKey, _) = GeneratePair(writable.Handle, pair, isPublicOnToken: true, isPrivateOnToken: true);
        var read = readPublic(publicKey);
        using var change = module.ChangeObjects();
        Require("C_DestroyObject", Functions.C_DestroyObject(writable.Handle, publicKey));
        return read;
    }

    /// <summary>Generates a pair that lives as long as this session, or until it is destroyed.</summary>
    /// <returns>The handles of its keys.</returns>
    /// <exception cref="Pkcs11Exception">The token refused.</exception>
    public (ulong Public, ulong Private) GenerateSessionPair(HsmPair pair) =>
        GeneratePair(handle, pair, isPublicOnToken: false, isPrivateOnToken: false);

    /// <summary>Destroys an object of the token.</summary>
    public void Destroy(ulong key)
    {
        using var change = module.ChangeObjects();
        using var writable = OpenWritable();
        var code = Functions.C_DestroyObject(writable.Handle, key);
        _handles.Clear();
        Require("C_DestroyObject", code);
    }

    // An unspecific error may have come after the key was made.
    private ulong GenerateKey(Pkcs11Template template, Func<Pkcs11Template, ulong> generate) => WithLess(
        template, generate,
        () => Find(Objects(CKO.CKO_SECRET_KEY).Add(CKA.CKA_ID, template.Find(CKA.CKA_ID)), most: 1) is [var made] ? made : null);

    /// <summary>Makes a key, with fewer attributes where the token answers as if it did not know one.</summary>
    /// <param name="template">The key's attributes.</param>
    /// <param name="generate">Makes it.</param>
    /// <param name="left">After an unspecific error: what was made in spite of it, or null once nothing of it is left.</param>
    private static T WithLess<T>(Pkcs11Template template, Func<Pkcs11Template, T> generate, Func<T?> left)
        where T : struct
    {
        var less = new Queue<Pkcs11Template>(HsmKeyRules.WithoutOptional(template));
        while (true)
        {
            try
            {
                return generate(template);
            }
            catch (Pkcs11Exception e) when (MayNotKnow(e.Code) && less.Count > 0)
            {
                if (e.IsAmbiguous && left() is { } made)
                {
                    return made;
                }

                template = less.Dequeue();
            }
        }
    }

    // A token that does not know an attribute answers with one of these; NSS with a general error.
    private static bool MayNotKnow(CKR code) =>
        code is CKR.CKR_ATTRIBUTE_TYPE_INVALID or CKR.CKR_ATTRIBUTE_VALUE_INVALID or CKR.CKR_TEMPLATE_INCONSISTENT
            or CKR.CKR_GENERAL_ERROR;

    private ulong Generate(CKM maker, Pkcs11Template template)
    {
        using var writable = OpenWritable();
        return Generate(writable.Handle, maker, template);
    }

    private ulong Generate(ulong session, CKM maker, Pkcs11Template template)
    {
        using var change = module.ChangeObjects();
        var mechanism = new CK_MECHANISM { Mechanism = (ulong)maker };
        var attributes = template.ToArray();
        ulong key = 0;
        var code = Functions.C_GenerateKey(session, ref mechanism, attributes, (ulong)attributes.Length, ref key);
        GC.KeepAlive(template);
        Require($"C_GenerateKey ({maker})", code);
        return key;
    }

    private (ulong Public, ulong Private) GeneratePair(ulong session, HsmPair pair, bool isPublicOnToken, bool isPrivateOnToken)
    {
        var publicKey = pair.Public.With(CKA.CKA_TOKEN, isPublicOnToken);
        return WithLess(
            pair.Private.With(CKA.CKA_TOKEN, isPrivateOnToken),
            privateKey => GeneratePair(session, pair, publicKey, privateKey),
            () =>
            {
                if (isPrivateOnToken)
                {
                    DestroyAll(session, pair.Private.Find(CKA.CKA_ID)!);
                }

                return null;
            });
    }

    private (ulong Public, ulong Private) GeneratePair(ulong session, HsmPair pair, Pkcs11Template publicKey, Pkcs11Template privateKey)
    {
        // Others do not wait for what takes seconds: a module that then shows a half-made key fails one of them, which is repeated.
        using var change = pair.IsSlow ? default : module.ChangeObjects();
        var mechanism = new CK_MECHANISM { Mechanism = (ulong)pair.Maker };
        var (ofPublic, ofPrivate) = (publicKey.ToArray(), privateKey.ToArray());
        ulong madePublic = 0, madePrivate = 0;
        var code = Functions.C_GenerateKeyPair(
            session, ref mechanism, ofPublic, (ulong)ofPublic.Length, ofPrivate, (ulong)ofPrivate.Length, ref madePublic, ref madePrivate);
        GC.KeepAlive(publicKey);
        GC.KeepAlive(privateKey);
        Require($"C_GenerateKeyPair ({pair.MakerName})", code);
        return (madePublic, madePrivate);
    }

    // Where an error may have come too late. Nothing else has this id.
    private void DestroyAll(ulong session, byte[] id)
    {
        foreach (var left in FindAll(id))
        {
            using var change = module.ChangeObjects();
            Require("C_DestroyObject", Functions.C_DestroyObject(session, left));
        }
    }
}
