using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>
/// A public key that verifies notes: Ed25519 (RFC 8032), either over the note's text (type 0x01, c2sp.org/signed-note) or as a
/// witness's time-stamped cosignature of a checkpoint (type 0x04, c2sp.org/tlog-cosignature).
/// </summary>
internal sealed class NoteVerifier
{
    /// <summary>The type of a signature over the text.</summary>
    public const byte TextSignature = 0x01;

    /// <summary>The type of a witness's cosignature.</summary>
    public const byte Cosignature = 0x04;

    private const int TimeLength = sizeof(ulong);

    private readonly byte _type;
    private readonly byte[] _publicKey;

    /// <summary>Creates a verifier.</summary>
    /// <param name="name">The key's name.</param>
    /// <param name="publicKey">32 bytes.</param>
    /// <param name="type">What its signatures cover.</param>
    /// <exception cref="FormatException">The name or the key is invalid.</exception>
    public NoteVerifier(string name, byte[] publicKey, byte type = TextSignature)
    {
        if (!NoteSignature.IsName(name) || type is not (TextSignature or Cosignature)
            || publicKey.Length != Ed25519.PublicKeySize || !Ed25519.ValidatePublicKeyFull(publicKey, 0))
        {
            throw new FormatException("The verifier key's type is not supported.");
        }

        (Name, _publicKey, _type) = (name, publicKey, type);
        var hash = SHA256.HashData([.. Encoding.UTF8.GetBytes(name), (byte)'\n', type, .. publicKey]);
        KeyId = BinaryPrimitives.ReadUInt32BigEndian(hash);
    }

    /// <summary>The key's name.</summary>
    public string Name { get; }

    /// <summary>Whether its signatures are cosignatures of a witness.</summary>
    public bool IsOfWitness => _type == Cosignature;

    /// <summary>The key's id, which its signatures carry.</summary>
    public uint KeyId { get; }

    /// <summary>Parses a verifier key: <c>name+hex(id)+base64(type ‖ public key)</c>.</summary>
    /// <exception cref="FormatException">The text is not a verifier key, or its type is not supported.</exception>
    public static NoteVerifier Parse(string vkey)
    {
        var parts = vkey.Trim().Split('+', 3);
        var key = parts.Length == 3 ? Convert.FromBase64String(parts[2]) : [];
        if (key.Length == 0)
        {
            throw new FormatException("Not a verifier key (name+id+key).");
        }

        var verifier = new NoteVerifier(parts[0], key[1..], key[0]);
        return verifier.ToString() == vkey.Trim() ? verifier : throw new FormatException("The verifier key's id does not match its key.");
    }

    /// <summary>Finds this key's signature in the note.</summary>
    /// <returns>Null if the note has none, or one that does not verify: refuse such a note.</returns>
    public NoteSignature? Verify(SignedNote note)
    {
        var own = note.Signatures.Where(signature => signature.Name == Name && signature.KeyId == KeyId).ToList();
        return own.Count > 0 && own.All(signature => IsOver(note.Text, signature.Signature)) ? own[0] : null;
    }

    /// <summary>The verifier key.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Name}+{KeyId:x8}+{Convert.ToBase64String([_type, .. _publicKey])}");

    /// <summary>What a cosignature signs.</summary>
    internal static byte[] CosignedMessage(ulong time, string text) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"cosignature/v1\ntime {time}\n{text}"));

    private bool IsOver(string text, ReadOnlySpan<byte> signature)
    {
        var message = Encoding.UTF8.GetBytes(text);
        if (_type == Cosignature)
        {
            if (signature.Length != TimeLength + Ed25519.SignatureSize)
            {
                return false;
            }

            message = CosignedMessage(BinaryPrimitives.ReadUInt64BigEndian(signature), text);
            signature = signature[TimeLength..];
        }

        return signature.Length == Ed25519.SignatureSize
            && Ed25519.Verify(signature.ToArray(), 0, _publicKey, 0, message, 0, message.Length);
    }
}
