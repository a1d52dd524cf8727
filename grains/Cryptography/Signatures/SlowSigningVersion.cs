namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>One version of a signature key whose signatures take long: each is <see cref="SlowWork"/>.</summary>
/// <param name="algorithm">The key's algorithm.</param>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="key">Its private key, which this disposes once no signature is being made; it must be thread-safe.</param>
internal sealed class SlowSigningVersion(SignatureAlgorithm algorithm, int version, SignatureKey key) : ISigns
{
    private readonly Lock _lock = new();
    private int _signing;
    private bool _isDisposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<SignatureScheme> Schemes => algorithm.Schemes;

    /// <inheritdoc/>
    public bool SignsAtOnce => false;

    /// <inheritdoc/>
    public async ValueTask<byte[]> Sign(SignatureInput input)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _signing++;
        }

        try
        {
            return await SlowWork.Shared.Run(() => key.Sign(input, input.Signed(stackalloc byte[SignatureInput.MaxDigestLength])));
        }
        finally
        {
            lock (_lock)
            {
                _signing--;
                DisposeIfUnused();
            }
        }
    }

    /// <summary>Erases the key, as soon as no signature is being made.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            DisposeIfUnused();
        }
    }

    private void DisposeIfUnused()
    {
        if (_isDisposed && _signing == 0)
        {
            key.Dispose();
        }
    }
}
