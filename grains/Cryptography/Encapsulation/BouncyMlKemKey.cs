using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Kems;
using Org.BouncyCastle.Crypto.Parameters;

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>A key of ML-KEM on BouncyCastle's implementation.</summary>
internal sealed class BouncyMlKemKey : KemKey
{
    private readonly MLKemEncapsulator? _public;
    private readonly MLKemDecapsulator? _private;

    private BouncyMlKemKey(MLKemEncapsulator? publicKey, MLKemDecapsulator? privateKey) => (_public, _private) = (publicKey, privateKey);

    /// <summary>Expands a private key.</summary>
    public static BouncyMlKemKey Private(MLKemParameters parameters, ReadOnlySpan<byte> seed)
    {
        var decapsulator = new MLKemDecapsulator(parameters);
        decapsulator.Init(FromSeed(parameters, seed));
        return new(null, decapsulator);
    }

    /// <summary>Opens a public key.</summary>
    /// <param name="parameters">The parameter set.</param>
    /// <param name="key">The public key.</param>
    /// <param name="random">What each secret is made of; 32 bytes.</param>
    /// <exception cref="CryptographicException">It is none.</exception>
    public static BouncyMlKemKey Public(MLKemParameters parameters, ReadOnlySpan<byte> key, RandomFill random)
    {
        var encapsulator = new MLKemEncapsulator(parameters);
        encapsulator.Init(new ParametersWithRandom(PublicKey(parameters, key), BouncyRandom.Of(random)));
        return new(encapsulator, null);
    }

    /// <summary>Computes the public key of a seed.</summary>
    public static void PublicOf(MLKemParameters parameters, ReadOnlySpan<byte> seed, Span<byte> publicKey) =>
        FromSeed(parameters, seed).GetPublicKeyEncoded().CopyTo(publicKey);

    /// <inheritdoc/>
    public override void Encapsulate(Span<byte> ciphertext, Span<byte> secret) =>
        (_public ?? throw new NotSupportedException("internal error: the public key encapsulates.")).Encapsulate(ciphertext, secret);

    /// <inheritdoc/>
    public override void Decapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> secret) =>
        (_private ?? throw new NotSupportedException("internal error: a public key cannot decapsulate.")).Decapsulate(ciphertext, secret);

    /// <inheritdoc/>
    public override void Dispose()
    {
        // BouncyCastle has nothing to erase a key with.
    }

    private static MLKemPrivateKeyParameters FromSeed(MLKemParameters parameters, ReadOnlySpan<byte> seed)
    {
        var copy = seed.ToArray();
        try
        {
            return MLKemPrivateKeyParameters.FromSeed(parameters, copy, MLKemPrivateKeyParameters.Format.SeedOnly);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    private static MLKemPublicKeyParameters PublicKey(MLKemParameters parameters, ReadOnlySpan<byte> key)
    {
        try
        {
            return MLKemPublicKeyParameters.FromEncoding(parameters, key.ToArray());
        }
        catch (ArgumentException e)
        {
            throw new CryptographicException("The public key has numbers that are not below the modulus.", e);
        }
    }
}
