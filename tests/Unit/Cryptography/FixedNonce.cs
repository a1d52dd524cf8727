using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Gives one nonce again and again: for vectors, and nothing else.</summary>
internal sealed class FixedNonce(byte[] fixedNonce) : NonceSource
{
    internal override void Next(Span<byte> nonce)
    {
        Assert.Equal(fixedNonce.Length, nonce.Length);
        fixedNonce.CopyTo(nonce);
    }
}
