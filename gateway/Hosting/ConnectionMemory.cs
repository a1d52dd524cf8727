using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Memory for what connections receive and send. The web server's own comes in blocks of 4 KiB, and each block that a request
/// fills costs two system calls and a wake-up of the reader, a fifth of the cost of a 100 KiB batch. So blocks are larger while
/// few are lent; beyond that they have the usual size, so that many connections with a few bytes each take no more memory than
/// before.
/// </summary>
internal sealed class ConnectionMemory : IMemoryPoolFactory<byte>
{
    /// <summary>Bytes of a block while few are lent.</summary>
    internal const int LargeBlock = 32 * 1024;

    /// <summary>Bytes of any other block, which is what the web server asks for.</summary>
    internal const int SmallBlock = 4 * 1024;

    /// <summary>How many large blocks a pool has: 2 MiB in total.</summary>
    internal const int MaxLargeBlocks = 64;

    /// <summary>How many small blocks a pool keeps for reuse: 4 MiB in total.</summary>
    internal const int MaxSmallBlocks = 1024;

    /// <summary>A pool; the server makes one for each of its queues.</summary>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool();

    private sealed class Pool : MemoryPool<byte>
    {
        private readonly Lock _lock = new();

        // Stacks: what was used last is still in the processor's cache.
        private readonly Stack<Block> _large = new();
        private readonly Stack<Block> _small = new();
        private int _largeBlocks;

        public override int MaxBufferSize => SmallBlock;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, SmallBlock);
            int length;
            lock (_lock)
            {
                if (_large.TryPop(out var block) || (_largeBlocks == MaxLargeBlocks && _small.TryPop(out block)))
                {
                    block.IsLent = true;
                    return block;
                }

                length = _largeBlocks < MaxLargeBlocks ? LargeBlock : SmallBlock;
                _largeBlocks += length == LargeBlock ? 1 : 0;
            }

            return new Block(this, length);
        }

        // The server disposes a pool while connections that end late may still hold its blocks; the collector takes care of both.
        protected override void Dispose(bool disposing)
        {
        }

        private void Return(Block block)
        {
            lock (_lock)
            {
                if (!block.IsLent)
                {
                    throw new InvalidOperationException("internal error: a block came back twice.");
                }

                block.IsLent = false;
                if (block.Memory.Length == LargeBlock)
                {
                    _large.Push(block);
                }
                else if (_small.Count < MaxSmallBlocks)
                {
                    _small.Push(block);
                }
            }
        }

        private sealed class Block(Pool pool, int length) : IMemoryOwner<byte>
        {
            public bool IsLent { get; set; } = true;

            // Pinned, because the system reads and writes it while others allocate.
            public Memory<byte> Memory { get; } =
                MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(length, pinned: true), 0, length);

            public void Dispose() => pool.Return(this);
        }
    }
}
