namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A key of a signature algorithm, opened once and used for every call: private, or public to verify only.</summary>
internal abstract class SignatureKey : IDisposable
{
    /// <summary>Signs.</summary>
    /// <param name="input">How.</param>
    /// <param name="signed">The digest, or the message where that is signed itself.</param>
    public abstract byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed);

    /// <summary>Verifies; false for any bytes that are no signature of this key.</summary>
    /// <param name="input">How.</param>
    /// <param name="signed">As in <see cref="Sign"/>.</param>
    /// <param name="signature">The signature; may be anything.</param>
    public abstract bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature);

    /// <summary>Erases the key, as far as its library can.</summary>
    public abstract void Dispose();
}
