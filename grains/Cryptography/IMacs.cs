namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that makes and verifies message authentication codes.</summary>
public interface IMacs : IKeyVersion
{
    /// <summary>Length of a MAC in bytes.</summary>
    int MacLength { get; }

    /// <summary>Whether it answers without waiting.</summary>
    bool MacsAtOnce { get; }

    /// <summary>Makes the MAC of a message.</summary>
    /// <param name="message">The message, which may be empty; must not change before this completes.</param>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<byte[]> Mac(ReadOnlyMemory<byte> message);

    /// <summary>Whether a MAC is that of a message. Takes as long whichever of its bytes is wrong.</summary>
    /// <param name="message">The message; must not change before this completes.</param>
    /// <param name="mac">The MAC; of any other length than <see cref="MacLength"/> it is none.</param>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<bool> VerifyMac(ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> mac);
}
