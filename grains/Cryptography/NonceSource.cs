using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// The source of nonces. Only this assembly and its tests can supply one other than <see cref="System"/>, and no setting chooses
/// it.
/// </summary>
internal abstract class NonceSource
{
    /// <summary>The system's random generator; thread-safe.</summary>
    internal static NonceSource System { get; } = new SystemNonceSource();

    /// <summary>Fills a nonce with bytes that this process never hands out twice.</summary>
    /// <param name="nonce">The nonce; at most 64 bytes.</param>
    internal abstract void Next(Span<byte> nonce);

    /// <summary>
    /// Draws blocks for each thread, because a call of the generator for each nonce costs more than encrypting 1 KiB. Nonces are
    /// not secret, so it is harmless that some wait in memory. Resuming a process twice from one memory snapshot would be
    /// harmful: both copies would hand out the same waiting nonces.
    /// </summary>
    private sealed class SystemNonceSource : NonceSource
    {
        // 512 nonces of 96 bits.
        private const int BlockLength = 512 * 12;

        [ThreadStatic]
        private static byte[]? _block;

        // Bytes at the end of the block not handed out yet. Zero in a new thread, and while the generator runs: should that fail,
        // the next call must not take the old block for a full one.
        [ThreadStatic]
        private static int _left;

        internal override void Next(Span<byte> nonce)
        {
            if (_left < nonce.Length)
            {
                Refill();
            }

            _block.AsSpan(BlockLength - _left, nonce.Length).CopyTo(nonce);
            _left -= nonce.Length;
        }

        private static void Refill()
        {
            _left = 0;
            _block ??= new byte[BlockLength];
            RandomNumberGenerator.Fill(_block);
            _left = BlockLength;
        }
    }
}
