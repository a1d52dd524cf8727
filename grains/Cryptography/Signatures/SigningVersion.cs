namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>One version of a signature key in this process: its private part. Not thread-safe.</summary>
/// <param name="algorithm">The key's algorithm.</param>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="key">Its private key, which this disposes.</param>
internal sealed class SigningVersion(SignatureAlgorithm algorithm, int version, SignatureKey key) : ISigns
{
    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<SignatureScheme> Schemes => algorithm.Schemes;

    /// <inheritdoc/>
    public bool SignsAtOnce => true;

    /// <inheritdoc/>
    public void RequireRoom()
    {
    }

    /// <inheritdoc/>
    public ValueTask<byte[]> Sign(SignatureInput input, CancellationToken cancellationToken = default) =>
        new(key.Sign(input, input.Signed(stackalloc byte[SignatureInput.MaxDigestLength])));

    /// <summary>Erases the key.</summary>
    public void Dispose() => key.Dispose();
}
