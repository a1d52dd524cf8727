using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Security;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A key of SLH-DSA on BouncyCastle's implementation. It may be used by several threads at once.</summary>
internal sealed class SlhDsaKey : SignatureKey
{
    private readonly SlhDsaParameters _parameters;
    private readonly SlhDsaPrivateKeyParameters? _private;
    private readonly SlhDsaPublicKeyParameters _public;
    private readonly SecureRandom _random;

    private SlhDsaKey(
        SlhDsaParameters parameters, SlhDsaPrivateKeyParameters? privateKey, SlhDsaPublicKeyParameters publicKey, RandomFill? random = null) =>
        (_parameters, _private, _public, _random) = (parameters, privateKey, publicKey, BouncyRandom.Of(random ?? RandomNumberGenerator.Fill));

    /// <summary>Opens a private key.</summary>
    /// <param name="parameters">The parameter set.</param>
    /// <param name="key">The key.</param>
    /// <param name="random">What hedges each signature; null for the platform's randomness. PK.seed makes it deterministic (FIPS 205, 9.2).</param>
    public static SlhDsaKey Private(SlhDsaParameters parameters, ReadOnlySpan<byte> key, RandomFill? random = null)
    {
        var copy = key.ToArray();
        try
        {
            var opened = SlhDsaPrivateKeyParameters.FromEncoding(parameters, copy);
            return new(parameters, opened, opened.GetPublicKey(), random);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    /// <summary>Opens a public key.</summary>
    public static SlhDsaKey Public(SlhDsaParameters parameters, ReadOnlySpan<byte> key) =>
        new(parameters, null, SlhDsaPublicKeyParameters.FromEncoding(parameters, key.ToArray()));

    /// <inheritdoc/>
    public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
    {
        var signer = new SlhDsaSigner(_parameters, deterministic: false);
        signer.Init(forSigning: true, new ParametersWithContext(new ParametersWithRandom(_private!, _random), input.Context.ToArray()));
        signer.BlockUpdate(signed);
        return signer.GenerateSignature();
    }

    /// <inheritdoc/>
    public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        var signer = new SlhDsaSigner(_parameters, deterministic: false);
        signer.Init(forSigning: false, new ParametersWithContext(_public, input.Context.ToArray()));
        signer.BlockUpdate(signed);
        return signature.Length == signer.GetMaxSignatureSize() && signer.VerifySignature(signature.ToArray());
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // BouncyCastle has nothing to erase a key with.
    }
}
