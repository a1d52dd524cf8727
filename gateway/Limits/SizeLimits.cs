using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Limits;

/// <summary>The maximum body sizes, derived from the limits of what bodies contain, and the bound on bytes in flight.</summary>
internal sealed class SizeLimits
{
    /// <summary>The body of a control-plane request: room for 50 tags with every character escaped.</summary>
    public const int ControlBody = 256 * 1024;

    /// <summary>The body of a request that creates a key or many.</summary>
    public const int CreateKeysBody = KmsLimits.BatchBytes;

    // Field names, punctuation, a reference with every character escaped, a ciphertext's overhead over its plaintext.
    private const int ItemOverhead = 2048;

    public SizeLimits(GatewayOptions options)
    {
        Plaintext = options.MaxPlaintextBytes;
        InFlight = new BytesInFlight(options.MaxBodyBytesInFlight ?? BytesInFlight.Default);
        PlaintextBody = JsonLength(Plaintext + KmsLimits.AssociatedDataBytes) + ItemOverhead;
    }

    /// <summary>
    /// The maximum length of a ciphertext in bytes: that of the largest plaintext the setting can allow, so that lowering the setting
    /// leaves no ciphertext that cannot be decrypted.
    /// </summary>
    public static int Ciphertext => KmsLimits.PlaintextBytes + CiphertextHeader.MaxOverhead;

    /// <summary>The maximum JSON body of one operation on a ciphertext.</summary>
    public static int CiphertextBody { get; } = JsonLength(Ciphertext + 2 * KmsLimits.AssociatedDataBytes) + ItemOverhead;

    /// <summary>The maximum JSON body of a batch, and of one operation on a route that accepts batches.</summary>
    public static int BatchBody { get; } = JsonLength(KmsLimits.BatchBytes) + KmsLimits.BatchItems * ItemOverhead;

    /// <summary>The maximum JSON body of a restore.</summary>
    public static int RestoreBody { get; } = JsonLength(KmsLimits.BackupBytes) + ItemOverhead;

    /// <summary>The maximum length of a plaintext in bytes.</summary>
    public int Plaintext { get; }

    /// <summary>The bytes of bodies in flight.</summary>
    public BytesInFlight InFlight { get; }

    /// <summary>The maximum JSON body of one operation on a plaintext.</summary>
    public int PlaintextBody { get; }

    /// <summary>How many bytes a ciphertext counts for in a batch.</summary>
    public static long InBatch(byte[] ciphertext) => Math.Max(0, ciphertext.Length - CiphertextHeader.MaxOverhead);

    // A tenth more for base64 characters that JSON writers escape.
    private static int JsonLength(int bytes) => StrictBase64.EncodedLength(bytes) / 10 * 11;
}
