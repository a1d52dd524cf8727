using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// Where nonces come from. Nothing outside this assembly and its tests can supply another one than <see cref="System"/>,
/// and no setting chooses it.
/// </summary>
internal abstract class NonceSource
{
    /// <summary>The system's random generator, for every thread.</summary>
    internal static NonceSource System { get; } = new SystemNonceSource();

    /// <summary>Fills a nonce with bytes that this process hands out only once.</summary>
    /// <param name="nonce">The nonce; at most 64 bytes.</param>
    internal abstract void Next(Span<byte> nonce);

    /// <summary>
    /// Draws blocks for each thread: a call of the generator for each nonce costs more than encrypting 1 KiB. Nonces are
    /// not secret, so that some wait in memory harms nothing. What would harm is a process resumed twice from one memory
    /// snapshot: both would hand out what was waiting.
    /// </summary>
    private sealed class SystemNonceSource : NonceSource
    {
        // 512 nonces of 96 bits.
        private const int BlockLength = 512 * 12;

        [ThreadStatic]
        private static byte[]? _block;

        // Bytes at the end of the block that were not handed out. It is zero in a new thread, and while the generator works:
        // should that fail, the next call must not find the old block full.
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
