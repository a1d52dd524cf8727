using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The attributes of our keys of one kind in the HSM: generated in the token and never outside it, and with no right that the key's use
/// does not need. A key that could also wrap or derive would leak keys that way, and one that may be changed or copied could be given
/// those rights.
/// </summary>
internal sealed class HsmKeyRules
{
    private static readonly CKA[] _rightsOfSecretKeys =
        [CKA.CKA_ENCRYPT, CKA.CKA_DECRYPT, CKA.CKA_WRAP, CKA.CKA_UNWRAP, CKA.CKA_SIGN, CKA.CKA_VERIFY, CKA.CKA_DERIVE];

    private static readonly CKA[] _rightsOfPrivateKeys =
        [CKA.CKA_DECRYPT, CKA.CKA_UNWRAP, CKA.CKA_SIGN, CKA.CKA_SIGN_RECOVER, CKA.CKA_DERIVE];

    // Attributes that not every token knows. One that does not know a right cannot grant it: v2.40 added CKA_COPYABLE, and tokens
    // without signatures with recovery need not know CKA_SIGN_RECOVER.
    private static readonly CKA[] _optional = [CKA.CKA_COPYABLE, CKA.CKA_SIGN_RECOVER];

    // Attributes that the token sets, and that tell where the key has been.
    private static readonly (CKA Type, bool Value)[] _told =
        [(CKA.CKA_LOCAL, true), (CKA.CKA_NEVER_EXTRACTABLE, true), (CKA.CKA_ALWAYS_SENSITIVE, true)];

    private readonly CKK _type;
    private readonly int? _length;
    private readonly (CKA Type, bool Value)[] _asked;

    private HsmKeyRules(CKO objectClass, CKK type, int? length, CKA[] known, CKA[] rights)
    {
        (Class, _type, _length) = (objectClass, type, length);
        _asked =
        [
            (CKA.CKA_TOKEN, true), (CKA.CKA_PRIVATE, true), (CKA.CKA_SENSITIVE, true), (CKA.CKA_EXTRACTABLE, false),
            .. known.Select(right => (right, rights.Contains(right))), (CKA.CKA_MODIFIABLE, false), (CKA.CKA_COPYABLE, false),
        ];
    }

    /// <summary>AES-256 for encryption and decryption.</summary>
    public static HsmKeyRules Aes { get; } = Secret(CKK.CKK_AES, 32, CKA.CKA_ENCRYPT, CKA.CKA_DECRYPT);

    /// <summary>The class of the objects.</summary>
    public CKO Class { get; }

    /// <summary>A secret key.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="rights">What it may be used for.</param>
    public static HsmKeyRules Secret(CKK type, int length, params CKA[] rights) =>
        new(CKO.CKO_SECRET_KEY, type, length, _rightsOfSecretKeys, rights);

    /// <summary>The private key of a pair.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="rights">What it may be used for.</param>
    public static HsmKeyRules Private(CKK type, params CKA[] rights) =>
        new(CKO.CKO_PRIVATE_KEY, type, length: null, _rightsOfPrivateKeys, rights);

    /// <summary>
    /// The same template without attributes that a token may not know: without each of them alone, since it may set a right that it knows
    /// unless it is told not to, and at last without all.
    /// </summary>
    public static IEnumerable<Pkcs11Template> WithoutOptional(Pkcs11Template template)
    {
        var asked = Array.FindAll(_optional, type => template.Find(type) is not null);
        foreach (var type in asked)
        {
            yield return template.Without(type);
        }

        if (asked.Length > 1)
        {
            yield return asked.Aggregate(template, (rest, type) => rest.Without(type));
        }
    }

    /// <summary>The template of a new key.</summary>
    /// <param name="id">Its CKA_ID.</param>
    /// <param name="label">Its CKA_LABEL.</param>
    public Pkcs11Template NewKey(ReadOnlySpan<byte> id, string label)
    {
        var template = new Pkcs11Template()
            .Add(CKA.CKA_CLASS, (ulong)Class).Add(CKA.CKA_KEY_TYPE, (ulong)_type).Add(CKA.CKA_ID, id).Add(CKA.CKA_LABEL, label);
        if (_length is { } length)
        {
            template.Add(CKA.CKA_VALUE_LEN, (ulong)length);
        }

        foreach (var (type, value) in _asked)
        {
            template.Add(type, value);
        }

        return template;
    }

    /// <summary>Finds the first thing wrong with a key.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">The key's handle.</param>
    /// <param name="isOnToken">Whether it must outlive its session.</param>
    /// <returns>The attribute, in the operator's terms, and what it should be; null for a good key.</returns>
    public string? Violation(HsmSession session, ulong key, bool isOnToken = true)
    {
        if (Number(session, key, CKA.CKA_KEY_TYPE) != (ulong)_type)
        {
            return $"CKA_KEY_TYPE is not {_type}";
        }

        if (_length is { } length && Number(session, key, CKA.CKA_VALUE_LEN) != (ulong)length)
        {
            return $"CKA_VALUE_LEN is not {length}";
        }

        foreach (var (type, asked) in (IEnumerable<(CKA, bool)>)[.. _asked, .. _told])
        {
            var value = session.Attribute(key, type);
            if (_optional.Contains(type) && value is null or [])
            {
                continue;
            }

            var expected = type == CKA.CKA_TOKEN ? isOnToken : asked;
            if (value is not [var flag] || (flag != 0) != expected)
            {
                return $"{type} is not {(expected ? "true" : "false")}";
            }
        }

        return null;
    }

    private static ulong? Number(HsmSession session, ulong key, CKA type) =>
        session.Attribute(key, type) is { Length: sizeof(ulong) } bytes ? MemoryMarshal.Read<ulong>(bytes) : null;
}
