namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>One version of a signature key whose signatures take long: each is <see cref="SlowWork"/>.</summary>
/// <param name="algorithm">The key's algorithm.</param>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="key">Its private key, which this disposes once no signature is being made; it must be thread-safe.</param>
internal sealed class SlowSigningVersion(SignatureAlgorithm algorithm, int version, SignatureKey key) : ISigns
{
    /// <summary>How many signatures of one key may wait or be made, so that one key does not take every place.</summary>
    internal const int MaxSigning = 8;

    private readonly Lock _lock = new();
    private int _signing;
    private bool _isDisposed;

    private enum Progress
    {
        Waits,
        Runs,

        // Its caller has gone, so it does not begin.
        IsLeft,
    }

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<SignatureScheme> Schemes => algorithm.Schemes;

    /// <inheritdoc/>
    public bool SignsAtOnce => false;

    /// <inheritdoc/>
    public void RequireRoom()
    {
        lock (_lock)
        {
            if (_signing >= MaxSigning)
            {
                throw KmsError.Overloaded.Exception($"{MaxSigning} slow signatures of this key wait already; try again later.");
            }
        }

        SlowWork.Signatures.RequireRoom();
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]> Sign(SignatureInput input, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _signing++;
        }

        var progress = Progress.Waits;
        try
        {
            return await SlowWork.Signatures.Run(Work, cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                // What runs needs the key, whether or not somebody still waits for it.
                if (progress == Progress.Waits)
                {
                    progress = Progress.IsLeft;
                    End();
                }
            }
        }

        byte[] Work()
        {
            lock (_lock)
            {
                if (progress == Progress.IsLeft)
                {
                    throw new OperationCanceledException(cancellationToken);
                }

                progress = Progress.Runs;
            }

            try
            {
                return key.Sign(input, input.Signed(stackalloc byte[SignatureInput.MaxDigestLength]));
            }
            finally
            {
                lock (_lock)
                {
                    End();
                }
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

    private void End()
    {
        _signing--;
        DisposeIfUnused();
    }

    private void DisposeIfUnused()
    {
        if (_isDisposed && _signing == 0)
        {
            key.Dispose();
        }
    }
}
