using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>What every AEAD of the table does, whichever it is.</summary>
public class AeadContractTests
{
    // Around the boundaries of blocks, buffers and counters, and never a multiple of any of them.
    private static readonly int[] _primes =
    [
        1, 2, 3, 5, 7, 11, 13, 17, 31, 37, 61, 67, 127, 131, 251, 257, 509, 521, 1021, 1031, 4093, 4099, 16381, 16411, 65521,
        65537, 65539,
    ];

    public static TheoryData<string> Specs => AlgorithmRegistry.AeadSpecs;

    [Theory]
    [MemberData(nameof(Specs))]
    public void RoundTrip_EmptyAndPrimeLengths_GivesThePlaintext(string spec)
    {
        using var message = new Message(spec, 0, 0);
        foreach (var length in _primes.Prepend(0))
        {
            message.Encrypt(RandomNumberGenerator.GetBytes(length), RandomNumberGenerator.GetBytes(length % 97));
            Assert.True(message.TryDecrypt(out var plaintext), $"length {length}");
            Assert.Equal(message.Plaintext, plaintext);
            Assert.True(length < 16 || !message.Ciphertext.SequenceEqual(message.Plaintext));
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void RoundTrip_InPlace_GivesThePlaintext(string spec)
    {
        using var message = new Message(spec, 1031, 7);
        var buffer = message.Plaintext.ToArray();
        message.Key.Encrypt(message.Nonce, buffer, buffer, message.Tag, message.AssociatedData);
        Assert.Equal(message.Ciphertext, buffer);
        Assert.True(message.Key.TryDecrypt(message.Nonce, buffer, message.Tag, buffer, message.AssociatedData));
        Assert.Equal(message.Plaintext, buffer);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryDecrypt_AnyByteChanged_IsFalseAndLeavesNoPlaintext(string spec)
    {
        using var message = new Message(spec, 67, 37);
        byte[][] parts = [message.Nonce, message.Ciphertext, message.Tag, message.AssociatedData];
        foreach (var part in parts)
        {
            for (var i = 0; i < part.Length; i++)
            {
                part[i] ^= (byte)(1 << (i % 8));
                message.AssertForged($"byte {i}");
                part[i] ^= (byte)(1 << (i % 8));
            }
        }

        Assert.True(message.TryDecrypt(out _));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryDecrypt_AnyBitOfTheTagChanged_IsFalse(string spec)
    {
        using var message = new Message(spec, 13, 0);
        for (var bit = 0; bit < 8 * AeadAlgorithm.TagLength; bit++)
        {
            message.Tag[bit / 8] ^= (byte)(1 << (bit % 8));
            message.AssertForged($"bit {bit}");
            message.Tag[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryDecrypt_TruncatedAtAnyLength_IsFalse(string spec)
    {
        using var message = new Message(spec, 67, 37);
        for (var length = 0; length < message.Ciphertext.Length; length++)
        {
            var plaintext = RandomNumberGenerator.GetBytes(length);
            Assert.False(message.Key.TryDecrypt(
                message.Nonce, message.Ciphertext.AsSpan(0, length), message.Tag, plaintext, message.AssociatedData));
            Assert.All(plaintext, b => Assert.Equal(0, b));
        }

        for (var length = 0; length < message.AssociatedData.Length; length++)
        {
            Assert.False(message.Key.TryDecrypt(message.Nonce, message.Ciphertext, message.Tag,
                new byte[message.Ciphertext.Length], message.AssociatedData.AsSpan(0, length)));
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryDecrypt_BytesMovedBetweenAssociatedDataAndCiphertext_IsFalse(string spec)
    {
        using var message = new Message(spec, 32, 16);
        byte[] moved = [.. message.AssociatedData, .. message.Ciphertext];
        Assert.False(message.Key.TryDecrypt(message.Nonce, moved, message.Tag, new byte[moved.Length], []));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryDecrypt_AnotherKey_IsFalse(string spec)
    {
        using var message = new Message(spec, 67, 37);
        for (var i = 0; i < message.Material.Length; i++)
        {
            message.Material[i] ^= 0x10;
            using var other = AlgorithmRegistry.Aead(spec).OpenKey(message.Material);
            Assert.False(other.TryDecrypt(message.Nonce, message.Ciphertext, message.Tag,
                new byte[message.Ciphertext.Length], message.AssociatedData), $"byte {i}");
            message.Material[i] ^= 0x10;
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void Open_MaterialZeroedAfterwards_KeyStillWorks(string spec)
    {
        using var message = new Message(spec, 67, 37);
        CryptographicOperations.ZeroMemory(message.Material);
        Assert.True(message.TryDecrypt(out var plaintext));
        Assert.Equal(message.Plaintext, plaintext);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void Open_AnyOtherLength_Throws(string spec)
    {
        var algorithm = AlgorithmRegistry.Aead(spec);
        for (var length = 0; length <= 2 * algorithm.MaterialLength; length++)
        {
            if (length != algorithm.MaterialLength)
            {
                Assert.Throws<ArgumentException>("material", () => algorithm.OpenKey(new byte[length]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void EncryptAndTryDecrypt_WrongLengths_Throw(string spec)
    {
        using var message = new Message(spec, 0, 0);
        var key = message.Key;
        var n = message.Nonce.Length;
        (int Nonce, int Plaintext, int Ciphertext, int Tag)[] wrong =
        [
            (0, 1, 1, 16), (n - 1, 1, 1, 16), (n + 1, 1, 1, 16), (n, 1, 2, 16), (n, 2, 1, 16), (n, 1, 1, 15), (n, 1, 1, 17),
            (n, 1, 1, 12), (n, 1, 1, 0),
        ];
        foreach (var w in wrong)
        {
            Assert.Throws<ArgumentException>(() => key.Encrypt(
                new byte[w.Nonce], new byte[w.Plaintext], new byte[w.Ciphertext], new byte[w.Tag], []));
            Assert.Throws<ArgumentException>(() => key.TryDecrypt(
                new byte[w.Nonce], new byte[w.Ciphertext], new byte[w.Tag], new byte[w.Plaintext], []));
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void Dispose_Twice_EndsTheKey(string spec)
    {
        using var message = new Message(spec, 3, 3);
        message.Key.Dispose();
        message.Key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => message.TryDecrypt(out _));
        Assert.Throws<ObjectDisposedException>(() => message.Encrypt([1], []));
    }

    /// <summary>One message and its key.</summary>
    private sealed class Message : IDisposable
    {
        internal Message(string spec, int plaintextLength, int associatedDataLength)
        {
            var algorithm = AlgorithmRegistry.Aead(spec);
            Material = RandomNumberGenerator.GetBytes(algorithm.MaterialLength);
            Key = algorithm.OpenKey(Material);
            Nonce = RandomNumberGenerator.GetBytes(algorithm.NonceLength);
            Encrypt(RandomNumberGenerator.GetBytes(plaintextLength), RandomNumberGenerator.GetBytes(associatedDataLength));
        }

        internal byte[] Material { get; }
        internal AeadKey Key { get; }
        internal byte[] Nonce { get; }
        internal byte[] Tag { get; } = new byte[AeadAlgorithm.TagLength];
        internal byte[] Plaintext { get; private set; } = [];
        internal byte[] AssociatedData { get; private set; } = [];
        internal byte[] Ciphertext { get; private set; } = [];

        public void Dispose() => Key.Dispose();

        internal void Encrypt(byte[] plaintext, byte[] associatedData)
        {
            RandomNumberGenerator.Fill(Nonce);
            (Plaintext, AssociatedData, Ciphertext) = (plaintext, associatedData, new byte[plaintext.Length]);
            Key.Encrypt(Nonce, Plaintext, Ciphertext, Tag, AssociatedData);
        }

        internal bool TryDecrypt(out byte[] plaintext)
        {
            plaintext = new byte[Ciphertext.Length];
            return Key.TryDecrypt(Nonce, Ciphertext, Tag, plaintext, AssociatedData);
        }

        internal void AssertForged(string what)
        {
            var plaintext = RandomNumberGenerator.GetBytes(Ciphertext.Length);
            Assert.False(Key.TryDecrypt(Nonce, Ciphertext, Tag, plaintext, AssociatedData), what);
            Assert.All(plaintext, b => Assert.Equal(0, b));
        }
    }
}
