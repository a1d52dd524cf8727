using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Limits;

/// <summary>How large the bodies of requests can be, from the limits of what they hold, and how much of them is in memory at once.</summary>
internal sealed class SizeLimits
{
    /// <summary>The body of a request that describes something: room for 50 tags in which every character is escaped.</summary>
    public const int ControlBody = 256 * 1024;

    // Names, punctuation, a reference whose characters are all escaped, what a ciphertext is longer than its plaintext.
    private const int ItemOverhead = 2048;

    public SizeLimits(GatewayOptions options)
    {
        Plaintext = options.MaxPlaintextBytes;
        InFlight = new BytesInFlight(options.MaxBodyBytesInFlight ?? BytesInFlight.Default);
        PlaintextBody = JsonLength(Plaintext + KmsLimits.AssociatedDataBytes) + ItemOverhead;
    }

    /// <summary>
    /// The most bytes of one ciphertext: what the largest plaintext that the setting may ever have allowed can become, so that a
    /// lower setting leaves no ciphertext that cannot be decrypted.
    /// </summary>
    public static int Ciphertext => KmsLimits.PlaintextBytes + CiphertextHeader.MaxOverhead;

    /// <summary>The largest JSON body of one operation on a ciphertext.</summary>
    public static int CiphertextBody { get; } = JsonLength(Ciphertext + 2 * KmsLimits.AssociatedDataBytes) + ItemOverhead;

    /// <summary>The largest JSON body of a batch, and of one operation on a route that takes batches.</summary>
    public static int BatchBody { get; } = JsonLength(KmsLimits.BatchBytes) + KmsLimits.BatchItems * ItemOverhead;

    /// <summary>The most bytes of one plaintext.</summary>
    public int Plaintext { get; }

    /// <summary>How many bytes of bodies are worked on at once.</summary>
    public BytesInFlight InFlight { get; }

    /// <summary>The largest JSON body of one operation on a plaintext.</summary>
    public int PlaintextBody { get; }

    /// <summary>What a ciphertext counts in a batch.</summary>
    public static long InBatch(byte[] ciphertext) => Math.Max(0, ciphertext.Length - CiphertextHeader.MaxOverhead);

    // A tenth more for the characters that JSON writers escape in base64.
    private static int JsonLength(int bytes) => StrictBase64.EncodedLength(bytes) / 10 * 11;
}
