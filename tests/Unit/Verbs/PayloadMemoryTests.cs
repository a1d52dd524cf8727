using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>A file of any length takes the memory of a few chunks.</summary>
public sealed class PayloadMemoryTests
{
    private const int Length = 32 * 1024 * 1024;
    private const int FewChunks = 6 * Payload.SealedLength;

    [Fact]
    public void LongContent_ThereAndBack_TakesMemoryForAFewChunks()
    {
        foreach (var cipher in FileCipher.All)
        {
            using var key = cipher.Algorithm.OpenKey(new byte[32]);
            var content = new MemoryStream(new byte[Length]);
            var encrypted = new MemoryStream(Length + (Length / Payload.ChunkLength * AeadAlgorithm.TagLength));
            Assert.InRange(Allocated(() => Payload.Encrypt(key, content, encrypted)), Payload.SealedLength, FewChunks);
            encrypted.Position = 0;
            content.Position = 0;
            Assert.InRange(Allocated(() => Payload.Decrypt(key, encrypted, content)), Payload.SealedLength, FewChunks);
            Assert.Equal(Length, content.Position);
        }
    }

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
