using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Security;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A key of ML-DSA on BouncyCastle's implementation.</summary>
internal sealed class BouncyMlDsaKey : SignatureKey
{
    private readonly MLDsaParameters _parameters;
    private readonly MLDsaPrivateKeyParameters? _private;
    private readonly MLDsaPublicKeyParameters _public;
    private readonly SecureRandom _random;

    private BouncyMlDsaKey(
        MLDsaParameters parameters, MLDsaPrivateKeyParameters? privateKey, MLDsaPublicKeyParameters publicKey, RandomFill? random = null) =>
        (_parameters, _private, _public, _random) = (parameters, privateKey, publicKey, BouncyRandom.Of(random ?? RandomNumberGenerator.Fill));

    /// <summary>Opens a private key.</summary>
    /// <param name="parameters">The parameter set.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="random">What hedges each signature; null for the platform's randomness. All zeros make it deterministic (FIPS 204, 3.4).</param>
    public static BouncyMlDsaKey Private(MLDsaParameters parameters, ReadOnlySpan<byte> seed, RandomFill? random = null)
    {
        var key = FromSeed(parameters, seed);
        return new(parameters, key, key.GetPublicKey(), random);
    }

    /// <summary>Opens a public key.</summary>
    public static BouncyMlDsaKey Public(MLDsaParameters parameters, ReadOnlySpan<byte> key) =>
        new(parameters, null, MLDsaPublicKeyParameters.FromEncoding(parameters, key.ToArray()));

    /// <summary>Computes the public key of a seed.</summary>
    public static void PublicOf(MLDsaParameters parameters, ReadOnlySpan<byte> seed, Span<byte> publicKey) =>
        FromSeed(parameters, seed).GetPublicKeyEncoded().CopyTo(publicKey);

    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
    {
        var signer = new MLDsaSigner(_parameters, deterministic: false);
        signer.Init(forSigning: true, new ParametersWithContext(new ParametersWithRandom(_private!, _random), input.Context.ToArray()));
        signer.BlockUpdate(signed);
        return signer.GenerateSignature();
    }

    /// <inheritdoc/>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        var signer = new MLDsaSigner(_parameters, deterministic: false);
        signer.Init(forSigning: false, new ParametersWithContext(_public, input.Context.ToArray()));
        signer.BlockUpdate(signed);
        return signature.Length == signer.GetMaxSignatureSize() && signer.VerifySignature(signature.ToArray());
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // BouncyCastle has nothing to erase a key with.
    }

    private static MLDsaPrivateKeyParameters FromSeed(MLDsaParameters parameters, ReadOnlySpan<byte> seed)
    {
        var copy = seed.ToArray();
        try
        {
            return MLDsaPrivateKeyParameters.FromSeed(parameters, copy, MLDsaPrivateKeyParameters.Format.SeedOnly);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }
}
