namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>One version of a signature key in this process: its public part. Not thread-safe.</summary>
/// <param name="algorithm">The key's algorithm.</param>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="key">Its public key, which this disposes.</param>
internal sealed class VerifyingVersion(SignatureAlgorithm algorithm, int version, SignatureKey key) : IVerifies
{
    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<SignatureScheme> Schemes => algorithm.Schemes;

    /// <inheritdoc/>
    public bool Verify(in SignatureInput input, ReadOnlySpan<byte> signature) =>
        key.Verify(input, input.Signed(stackalloc byte[SignatureInput.MaxDigestLength]), signature);

    /// <summary>Disposes the key.</summary>
    public void Dispose() => key.Dispose();
}
