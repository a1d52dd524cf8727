using System.Collections.Concurrent;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

public class AeadVersionTests
{
    private const string Id = "payments.eu.cards";

    public static TheoryData<string> Specs => AlgorithmRegistry.AeadSpecs;

    [Theory]
    [MemberData(nameof(Specs))]
    public void EncryptDecrypt_EveryKind_GivesThePlaintextAndAReadableHeader(string spec)
    {
        using var cipher = Open(spec);
        foreach (var kind in new[] { CiphertextKind.Data, CiphertextKind.DataKey, CiphertextKind.DataKeyPair })
        {
            var ciphertext = cipher.EncryptToArray(kind, "plaintext"u8, "associated"u8);
            Assert.Equal(cipher.CiphertextLength(9), ciphertext.Length);
            var header = Read(ciphertext);
            Assert.Equal(
                new CiphertextHeader(kind, AlgorithmRegistry.Aead(spec).Id, 7, Id, CiphertextHeader.FixedLength + Id.Length), header);
            Assert.Equal("plaintext"u8.ToArray(), cipher.DecryptToArray(header, ciphertext, "associated"u8));
        }
    }

    // Lengths around the buffer on the stack (512 bytes with the header of 24) and into the pool.
    [Theory]
    [MemberData(nameof(Specs))]
    public void EncryptDecrypt_AssociatedDataOfManyLengths_GivesThePlaintext(string spec)
    {
        using var cipher = Open(spec);
        foreach (var length in new[] { 0, 1, 487, 488, 489, 511, 512, 513, 8192, 65537 })
        {
            var associatedData = RandomNumberGenerator.GetBytes(length);
            var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, [1, 2, 3], associatedData);
            Assert.Equal([1, 2, 3], cipher.DecryptToArray(Read(ciphertext), ciphertext, associatedData));
            if (length > 0)
            {
                associatedData[^1] ^= 1;
                Assert.Null(cipher.DecryptToArray(Read(ciphertext), ciphertext, associatedData));
                Assert.Null(cipher.DecryptToArray(Read(ciphertext), ciphertext, associatedData.AsSpan(0, length - 1)));
                Assert.Null(cipher.DecryptToArray(Read(ciphertext), ciphertext, []));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void EncryptDecrypt_EmptyAndLargePlaintext_GivesThePlaintext(string spec)
    {
        using var cipher = Open(spec);
        foreach (var length in new[] { 0, 1, 65536, 65537, 1048576 })
        {
            var plaintext = RandomNumberGenerator.GetBytes(length);
            var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, plaintext, "a"u8);
            Assert.Equal(plaintext, cipher.DecryptToArray(Read(ciphertext), ciphertext, "a"u8));
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void Decrypt_AnyByteChanged_IsNull(string spec)
    {
        using var cipher = Open(spec);
        var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, "plaintext"u8, "associated"u8);
        var genuine = Read(ciphertext);
        for (var i = 0; i < ciphertext.Length; i++)
        {
            foreach (var change in new byte[] { 0x01, 0x02, 0x80, 0xff })
            {
                ciphertext[i] ^= change;
                Assert.Null(cipher.DecryptToArray(genuine, ciphertext, "associated"u8));
                if (CiphertextHeader.TryRead(ciphertext, out var changed))
                {
                    Assert.Null(cipher.DecryptToArray(changed, ciphertext, "associated"u8));
                }

                ciphertext[i] ^= change;
            }
        }

        Assert.NotNull(cipher.DecryptToArray(genuine, ciphertext, "associated"u8));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void Decrypt_TruncatedAtAnyLengthOrExtended_IsNull(string spec)
    {
        using var cipher = Open(spec);
        var ciphertext = cipher.EncryptToArray(CiphertextKind.DataKey, "plaintext"u8, []);
        var header = Read(ciphertext);
        for (var length = 0; length < ciphertext.Length; length++)
        {
            Assert.Null(cipher.DecryptToArray(header, ciphertext.AsSpan(0, length), []));
        }

        Assert.Null(cipher.DecryptToArray(header, [.. ciphertext, 0], []));
        Assert.Null(cipher.DecryptToArray(header, [.. ciphertext, .. ciphertext], []));
    }

    // With the same material, so that only the header keeps them apart; and with the header rewritten to what the other
    // expects, so that only the authentication of the header does.
    [Theory]
    [MemberData(nameof(Specs))]
    public void Decrypt_OfAnotherVersionIdOrKind_IsNull(string spec)
    {
        using var cipher = Open(spec);
        var own = cipher.EncryptToArray(CiphertextKind.Data, "plaintext"u8, []);
        var ownHeader = Read(own);
        using var otherVersion = Open(spec, version: 8);
        using var otherId = Open(spec, id: "payments.eu.cardz");
        using var otherLength = Open(spec, id: "payments.eu");
        (IEncryptsAtOnce Cipher, CiphertextKind Kind)[] others =
        [
            (otherVersion, CiphertextKind.Data), (otherId, CiphertextKind.Data), (otherLength, CiphertextKind.Data),
            (cipher, CiphertextKind.DataKey), (cipher, CiphertextKind.DataKeyPair),
        ];
        foreach (var (other, kind) in others)
        {
            var foreign = other.EncryptToArray(kind, "plaintext"u8, []);
            Assert.NotNull(other.DecryptToArray(Read(foreign), foreign, []));
            byte[] rewritten = [.. own.AsSpan(0, ownHeader.Length), .. foreign.AsSpan(Read(foreign).Length)];
            Assert.Null(cipher.DecryptToArray(ownHeader, rewritten, []));
            Assert.Null(cipher.DecryptToArray(ownHeader, foreign, []));
            if (other != cipher)
            {
                Assert.Null(cipher.DecryptToArray(Read(foreign), foreign, []));
            }
        }
    }

    [Fact]
    public void Decrypt_OfAnotherAlgorithmWithTheSameMaterial_IsNull()
    {
        string[] shortNonce = ["AES_256_GCM", "CHACHA20_POLY1305", "AES_256_GCM_SIV"];
        string[] longNonce = ["XAES_256_GCM", "XCHACHA20_POLY1305"];
        foreach (var (one, two) in Pairs(shortNonce).Concat(Pairs(longNonce)))
        {
            using var cipher = Open(one);
            using var other = Open(two);
            var foreign = other.EncryptToArray(CiphertextKind.Data, "plaintext"u8, []);
            Assert.Null(cipher.DecryptToArray(Read(foreign), foreign, []));
            foreign[1] = AlgorithmRegistry.Aead(one).Id;
            Assert.Null(cipher.DecryptToArray(Read(foreign), foreign, []));
        }

        static IEnumerable<(string, string)> Pairs(string[] specs) =>
            specs.SelectMany(one => specs.Where(two => two != one).Select(two => (one, two)));
    }

    [Fact]
    public void Decrypt_HeaderThatIsNotTheCiphertexts_IsNull()
    {
        using var cipher = Open("AES_256_GCM");
        var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, "plaintext"u8, []);
        var header = Read(ciphertext);
        Assert.Null(cipher.DecryptToArray(default, ciphertext, []));
        Assert.Null(cipher.DecryptToArray(header with { Kind = CiphertextKind.DataKey }, ciphertext, []));
        Assert.Null(cipher.DecryptToArray(header with { Algorithm = 4 }, ciphertext, []));
        Assert.Null(cipher.DecryptToArray(header with { KeyVersion = 8 }, ciphertext, []));
        Assert.Null(cipher.DecryptToArray(header with { KeyId = "payments.eu.cardz" }, ciphertext, []));
        Assert.Null(cipher.DecryptToArray(header with { Length = header.Length - 1 }, ciphertext, []));
        Assert.Null(cipher.DecryptToArray(header with { Length = int.MaxValue }, ciphertext, []));
        Assert.NotNull(cipher.DecryptToArray(header, ciphertext, []));
    }

    // The kind 0 (None) and 4 have no ciphertexts, even if someone forged the byte with the key itself in hand.
    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(255)]
    public void Decrypt_KindThatDoesNotExist_IsNull(byte kind)
    {
        using var cipher = Open("AES_256_GCM");
        var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, "plaintext"u8, []);
        var header = Read(ciphertext) with { Kind = (CiphertextKind)kind };
        ciphertext[0] = kind;
        using var key = AlgorithmRegistry.Aead("AES_256_GCM").OpenKey(AlgorithmRegistry.Counting(32));
        var nonce = ciphertext.AsSpan(header.Length, 12);
        key.Encrypt(nonce, "plaintext"u8, ciphertext.AsSpan(header.Length + 12, 9), ciphertext.AsSpan(header.Length + 21),
            ciphertext.AsSpan(0, header.Length));
        Assert.Null(cipher.DecryptToArray(header, ciphertext, []));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(-1)]
    [InlineData(257)]
    public void Encrypt_KindThatDoesNotExist_Throws(int kind)
    {
        using var cipher = Open("AES_256_GCM");
        Assert.Throws<ArgumentOutOfRangeException>(nameof(kind), () => cipher.EncryptToArray((CiphertextKind)kind, [1], []));
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void Encrypt_TheSameAgain_NeverRepeatsANonce(string spec)
    {
        using var cipher = Open(spec);
        var nonceLength = AlgorithmRegistry.Aead(spec).NonceLength;
        var nonces = new ConcurrentDictionary<string, bool>();
        Parallel.For(0, 4, _ =>
        {
            using var own = Open(spec);
            for (var i = 0; i < 1_100; i++)
            {
                var ciphertext = own.EncryptToArray(CiphertextKind.Data, [1], []);
                Assert.True(nonces.TryAdd(Convert.ToHexString(ciphertext.AsSpan(Read(ciphertext).Length, nonceLength)), true));
            }
        });
    }

    // XAES is left out: the platform's object for each message key is the price of its derived keys. So are those of BouncyCastle.
    [Theory]
    [InlineData("AES_256_GCM")]
    [InlineData("AES_128_GCM")]
    [InlineData("CHACHA20_POLY1305")]
    public void Encrypt_AllocatesOnlyItsResult(string spec)
    {
        using var cipher = Open(spec);
        var plaintext = new byte[1024];
        foreach (var associatedDataLength in new[] { 0, 64, 8192 })
        {
            var associatedData = new byte[associatedDataLength];
            var least = long.MaxValue;
            for (var i = 0; i < 50; i++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                GC.KeepAlive(cipher.EncryptToArray(CiphertextKind.Data, plaintext, associatedData));
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            var before2 = GC.GetAllocatedBytesForCurrentThread();
            GC.KeepAlive(new byte[cipher.CiphertextLength(1024)]);
            Assert.Equal(GC.GetAllocatedBytesForCurrentThread() - before2, least);
        }
    }

    // Side by side in one buffer, as a batch has them; what is around them stays as it is.
    [Theory]
    [MemberData(nameof(Specs))]
    public void EncryptTryDecrypt_IntoOneBuffer_TouchesOnlyItsOwn(string spec)
    {
        using var cipher = Open(spec);
        int[] lengths = [0, 1, 37, 1031];
        var ciphertexts = new byte[lengths.Sum(cipher.CiphertextLength) + 1];
        var at = 0;
        foreach (var length in lengths)
        {
            var own = ciphertexts.AsSpan(at, cipher.CiphertextLength(length));
            cipher.Encrypt(CiphertextKind.Data, AlgorithmRegistry.Counting(length), "a"u8, own);
            at += own.Length;
            Assert.All(ciphertexts[at..], b => Assert.Equal(0, b));
        }

        at = 0;
        foreach (var length in lengths)
        {
            var own = ciphertexts.AsSpan(at, cipher.CiphertextLength(length));
            var plaintext = new byte[length + 2];
            Assert.Equal(length, cipher.PlaintextLength(own.Length));
            Assert.True(cipher.TryDecrypt(Read(own), own, "a"u8, plaintext.AsSpan(1, length)));
            Assert.Equal([0, .. AlgorithmRegistry.Counting(length), 0], plaintext);
            at += own.Length;
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void TryDecrypt_Forgery_LeavesNoPlaintext(string spec)
    {
        using var cipher = Open(spec);
        var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, "plaintext"u8, "a"u8);
        var plaintext = "untouched"u8.ToArray();
        Assert.False(cipher.TryDecrypt(Read(ciphertext), ciphertext, "b"u8, plaintext));
        Assert.All(plaintext, b => Assert.Equal(0, b));
    }

    [Fact]
    public void BufferOfAnotherLength_Throws()
    {
        using var cipher = Open("AES_256_GCM");
        var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, "plaintext"u8, []);
        foreach (var change in new[] { -1, 1 })
        {
            Assert.Throws<ArgumentException>(
                "ciphertext", () => cipher.Encrypt(CiphertextKind.Data, "plaintext"u8, [], new byte[ciphertext.Length + change]));
            Assert.Throws<ArgumentException>(
                "plaintext", () => cipher.TryDecrypt(Read(ciphertext), ciphertext, [], new byte["plaintext"u8.Length + change]));
        }

        Assert.Equal(0, cipher.PlaintextLength(0));
        Assert.Equal(0, cipher.PlaintextLength(cipher.CiphertextLength(0) - 1));
        Assert.Throws<OverflowException>(() => cipher.CiphertextLength(int.MaxValue));
    }

    // XAES is left out: the platform's object for each message key is the price of its derived keys. So are those of BouncyCastle.
    [Theory]
    [InlineData("AES_256_GCM")]
    [InlineData("AES_128_GCM")]
    [InlineData("CHACHA20_POLY1305")]
    public void EncryptTryDecrypt_IntoBuffers_AllocateNothing(string spec)
    {
        using var cipher = Open(spec);
        var (plaintext, ciphertext) = (new byte[1024], new byte[cipher.CiphertextLength(1024)]);
        foreach (var associatedDataLength in new[] { 0, 64, 8192 })
        {
            var associatedData = new byte[associatedDataLength];
            var least = long.MaxValue;
            for (var i = 0; i < 50; i++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                cipher.Encrypt(CiphertextKind.Data, plaintext, associatedData, ciphertext);
                var between = GC.GetAllocatedBytesForCurrentThread();
                var header = Read(ciphertext);
                var again = GC.GetAllocatedBytesForCurrentThread();
                Assert.True(cipher.TryDecrypt(header, ciphertext, associatedData, plaintext));
                least = Math.Min(least, between - before + GC.GetAllocatedBytesForCurrentThread() - again);
            }

            Assert.Equal(0, least);
        }
    }

    [Fact]
    public void Dispose_Twice_EndsTheVersion()
    {
        var cipher = Open("AES_256_GCM");
        var ciphertext = cipher.EncryptToArray(CiphertextKind.Data, [1], []);
        cipher.Dispose();
        cipher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cipher.EncryptToArray(CiphertextKind.Data, [1], []));
        Assert.Throws<ObjectDisposedException>(() => cipher.DecryptToArray(Read(ciphertext), ciphertext, []));
    }

    private static IEncryptsAtOnce Open(string spec, string id = Id, int version = 7) => AlgorithmRegistry.Aead(spec).Open(id, version);

    private static CiphertextHeader Read(ReadOnlySpan<byte> ciphertext)
    {
        Assert.True(CiphertextHeader.TryRead(ciphertext, out var header));
        return header;
    }
}
