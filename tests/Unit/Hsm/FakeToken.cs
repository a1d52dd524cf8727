using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using Net.Pkcs11Interop.LowLevelAPI80.MechanismParams;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Tests.Unit.Hsms;

/// <summary>A token that does what tokens differ in. Its AES-GCM is .NET's; what it wraps it remembers, and encrypts not.</summary>
internal sealed class FakeToken : ITokenCipher, IDisposable
{
    private readonly AesGcm _gcm = new(RandomNumberGenerator.GetBytes(32), GcmParameters.TagLength);
    private readonly Dictionary<string, byte[]> _wrapped = [];

    /// <summary>Who makes the IV; null for a token without AES-GCM.</summary>
    public GcmIv? Iv { get; init; }

    /// <summary>The length of an IV that it makes.</summary>
    public int IvLength { get; init; } = GcmParameters.IvLength;

    public bool WrapsKeys { get; init; }

    /// <summary>The room that it demands for AES-GCM beyond what it writes.</summary>
    public int Margin { get; init; }

    public int MaxMessage { get; set; } = int.MaxValue;

    /// <summary>What it answers to a forgery.</summary>
    public CKR Forged { get; init; } = CKR.CKR_ENCRYPTED_DATA_INVALID;

    /// <summary>What it answers first, before it works.</summary>
    public Queue<CKR> First { get; init; } = [];

    public List<CKR> Errors { get; } = [];

    public (TokenAnswer Answer, byte[] Ciphertext) TryEncrypt(CK_MECHANISM mechanism, ulong key, byte[] plaintext, int room)
    {
        if (First.TryDequeue(out var first)) return (new("C_EncryptInit", Error(first)), []);

        var (code, output, margin) = (CKM)mechanism.Mechanism switch
        {
            CKM.CKM_AES_GCM when Iv is { } iv => Encrypt(iv, mechanism, plaintext),
            CKM.CKM_AES_KEY_WRAP_PAD when WrapsKeys => (CKR.CKR_OK, Wrap(plaintext), 0),
            _ => (CKR.CKR_MECHANISM_INVALID, [], 0),
        };
        code = code == CKR.CKR_OK && output.Length + margin > room ? CKR.CKR_BUFFER_TOO_SMALL : code;
        return code == CKR.CKR_OK ? (new("C_Encrypt", code), output) : (new("C_Encrypt", Error(code)), []);
    }

    public TokenAnswer TryDecrypt(CK_MECHANISM mechanism, ulong key, byte[] ciphertext, byte[] plaintext, out int length)
    {
        length = 0;
        if ((CKM)mechanism.Mechanism == CKM.CKM_AES_KEY_WRAP_PAD)
        {
            if (!_wrapped.TryGetValue(Convert.ToHexString(ciphertext), out var secret)) return Failed(Forged);

            secret.CopyTo(plaintext, 0);
            length = secret.Length;
            return new("C_Decrypt", CKR.CKR_OK);
        }

        length = ciphertext.Length - GcmParameters.TagLength;
        if (length > MaxMessage) return Failed(CKR.CKR_ENCRYPTED_DATA_LEN_RANGE);

        var (iv, associatedData) = Parameters(mechanism);
        try
        {
            _gcm.Decrypt(Read(iv, GcmParameters.IvLength), ciphertext.AsSpan(0, length), ciphertext.AsSpan(length), plaintext.AsSpan(0, length), associatedData);
            return new("C_Decrypt", CKR.CKR_OK);
        }
        catch (AuthenticationTagMismatchException)
        {
            return Failed(Forged);
        }
    }

    public void Dispose() => _gcm.Dispose();

    private (CKR, byte[], int Margin) Encrypt(GcmIv who, CK_MECHANISM mechanism, byte[] plaintext)
    {
        if (plaintext.Length > MaxMessage) return (CKR.CKR_DATA_LEN_RANGE, [], 0);

        var (at, associatedData) = Parameters(mechanism);
        var iv = who == GcmIv.Caller ? Read(at, GcmParameters.IvLength) : RandomNumberGenerator.GetBytes(IvLength);
        if (who == GcmIv.WrittenBack) Marshal.Copy(iv, 0, at, GcmParameters.IvLength);

        var output = new byte[plaintext.Length + GcmParameters.TagLength];
        _gcm.Encrypt(
            iv.AsSpan(0, GcmParameters.IvLength), plaintext, output.AsSpan(0, plaintext.Length), output.AsSpan(plaintext.Length), associatedData);
        return (CKR.CKR_OK, who == GcmIv.Appended ? [.. output, .. iv] : output, Margin);
    }

    private byte[] Wrap(byte[] secret)
    {
        var wrapped = RandomNumberGenerator.GetBytes(((secret.Length + 7) / 8 * 8) + 8);
        _wrapped.Add(Convert.ToHexString(wrapped), [.. secret]);
        return wrapped;
    }

    private TokenAnswer Failed(CKR code) => new("C_Decrypt", Error(code));

    private CKR Error(CKR code)
    {
        Errors.Add(code);
        return code;
    }

    private static (IntPtr Iv, byte[] AssociatedData) Parameters(CK_MECHANISM mechanism)
    {
        var parameters = Marshal.PtrToStructure<CK_GCM_PARAMS>(mechanism.Parameter);
        return (parameters.Iv, Read(parameters.AAD, (int)parameters.AADLen));
    }

    private static byte[] Read(IntPtr from, int length)
    {
        var read = new byte[length];
        if (length > 0) Marshal.Copy(from, read, 0, length);
        return read;
    }
}
