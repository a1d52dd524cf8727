using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The primitive by itself: the vectors of c2sp.org/XAES-256-GCM, and that threads may share it.</summary>
public class XAes256GcmTests
{
    // The two cover both cases of the doubling: the first bit of AES(0) is 0 under the first key and 1 under the second.
    [Theory]
    [InlineData(0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271")]
    [InlineData(0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d")]
    public void C2sp_TestVectors_Hold(byte keyByte, string associatedData, string expected)
    {
        using var xaes = new XAes256Gcm(Enumerable.Repeat(keyByte, 32).ToArray());
        var sealedBytes = Seal(xaes, "ABCDEFGHIJKLMNOPQRSTUVWX"u8, "XAES-256-GCM"u8, Encoding.ASCII.GetBytes(associatedData));
        Assert.Equal(expected, Convert.ToHexStringLower(sealedBytes));
    }

    [Fact]
    public void C2sp_AccumulatedRandomizedTests_10000Iterations_Hold()
    {
        const int iterations = 10_000;
        const int most = 32 + 24 + 1 + 255 + 1 + 255;
        var stream = Shake128.HashData([], iterations * most).AsSpan();
        Assert.Equal("7f9c2ba4e88f827d616045507605853e", Convert.ToHexStringLower(stream[..16]));
        using var hash = new Shake128();
        for (var i = 0; i < iterations; i++)
        {
            using var xaes = new XAes256Gcm(Take(ref stream, 32));
            var nonce = Take(ref stream, 24);
            var plaintext = Take(ref stream, Take(ref stream, 1)[0]);
            var associatedData = Take(ref stream, Take(ref stream, 1)[0]);
            hash.AppendData(Seal(xaes, nonce, plaintext, associatedData));
        }

        Assert.Equal("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939",
            Convert.ToHexStringLower(hash.GetHashAndReset(32)));
    }

    // Each thread has a nonce of its own, so that a derivation that another one disturbed gives another tag.
    [Fact]
    public void EncryptAndTryDecrypt_FromManyThreadsAtOnce_AreRight()
    {
        var key = AlgorithmRegistry.Counting(32);
        using var shared = new XAes256Gcm(key);
        using var start = new Barrier(8);
        var wrong = 0;
        var threads = Enumerable.Range(0, 8).Select(n => new Thread(() =>
        {
            var nonce = AlgorithmRegistry.Counting(24, n);
            using var own = new XAes256Gcm(key);
            var tag = Seal(own, nonce, [], []);
            var now = new byte[16];
            start.SignalAndWait();
            for (var i = 0; i < 10_000; i++)
            {
                shared.Encrypt(nonce, [], [], now);
                if (!now.AsSpan().SequenceEqual(tag) || !shared.TryDecrypt(nonce, [], tag, []))
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Encrypt_NoncesThatDifferInOneHalf_AreDifferentMessages()
    {
        using var xaes = new XAes256Gcm(AlgorithmRegistry.Counting(32));
        var results = new HashSet<string>();
        var nonce = new byte[24];
        for (var i = 0; i < nonce.Length; i++)
        {
            nonce[i] ^= 1;
            results.Add(Convert.ToHexString(Seal(xaes, nonce, new byte[32], [])));
            nonce[i] ^= 1;
        }

        Assert.Equal(nonce.Length, results.Count);
    }

    [Fact]
    public void TryDecrypt_Forged_IsFalseAndLeavesNoPlaintext()
    {
        using var xaes = new XAes256Gcm(AlgorithmRegistry.Counting(32));
        var sealedBytes = Seal(xaes, new byte[24], "plaintext"u8, []);
        sealedBytes[^1] ^= 1;
        var plaintext = RandomNumberGenerator.GetBytes(9);
        Assert.False(xaes.TryDecrypt(new byte[24], sealedBytes.AsSpan(0, 9), sealedBytes.AsSpan(9), plaintext));
        Assert.Equal(new byte[9], plaintext);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(33)]
    public void New_WrongKeyLength_Throws(int length) =>
        Assert.Throws<ArgumentException>("key", () => new XAes256Gcm(new byte[length]));

    [Theory]
    [InlineData(12, 1, 1, 16)]
    [InlineData(23, 1, 1, 16)]
    [InlineData(25, 1, 1, 16)]
    [InlineData(24, 1, 2, 16)]
    [InlineData(24, 1, 1, 15)]
    public void EncryptAndTryDecrypt_WrongLengths_Throw(int nonce, int plaintext, int ciphertext, int tag)
    {
        using var xaes = new XAes256Gcm(new byte[32]);
        Assert.Throws<ArgumentException>(() =>
            xaes.Encrypt(new byte[nonce], new byte[plaintext], new byte[ciphertext], new byte[tag]));
        Assert.Throws<ArgumentException>(() =>
            xaes.TryDecrypt(new byte[nonce], new byte[ciphertext], new byte[tag], new byte[plaintext]));
    }

    [Fact]
    public void Dispose_Twice_EndsTheKey()
    {
        var xaes = new XAes256Gcm(new byte[32]);
        xaes.Dispose();
        xaes.Dispose();
        Assert.Throws<ObjectDisposedException>(() => xaes.Encrypt(new byte[24], [], [], new byte[16]));
        Assert.Throws<ObjectDisposedException>(() => xaes.TryDecrypt(new byte[24], [], new byte[16], []));
    }

    private static Span<byte> Take(ref Span<byte> stream, int length)
    {
        var taken = stream[..length];
        stream = stream[length..];
        return taken;
    }

    // ciphertext || tag, after it was seen to open.
    private static byte[] Seal(
        XAes256Gcm xaes, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        var result = new byte[plaintext.Length + XAes256Gcm.TagLength];
        var (ciphertext, tag) = (result.AsMemory(0, plaintext.Length), result.AsMemory(plaintext.Length));
        xaes.Encrypt(nonce, plaintext, ciphertext.Span, tag.Span, associatedData);

        var opened = new byte[plaintext.Length];
        Assert.True(xaes.TryDecrypt(nonce, ciphertext.Span, tag.Span, opened, associatedData));
        Assert.Equal(plaintext, opened);
        return result;
    }
}
