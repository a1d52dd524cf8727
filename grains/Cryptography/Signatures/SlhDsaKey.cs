using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>A key of SLH-DSA on BouncyCastle's implementation. It may be used by several threads at once.</summary>
internal sealed class SlhDsaKey : SignatureKey
{
    private readonly SlhDsaParameters _parameters;
    private readonly SlhDsaPrivateKeyParameters? _private;
    private readonly SlhDsaPublicKeyParameters _public;

    private SlhDsaKey(SlhDsaParameters parameters, SlhDsaPrivateKeyParameters? privateKey, SlhDsaPublicKeyParameters publicKey) =>
        (_parameters, _private, _public) = (parameters, privateKey, publicKey);

    /// <summary>Opens a private key.</summary>
    public static SlhDsaKey Private(SlhDsaParameters parameters, ReadOnlySpan<byte> key)
    {
        var copy = key.ToArray();
        try
        {
            var opened = SlhDsaPrivateKeyParameters.FromEncoding(parameters, copy);
            return new(parameters, opened, opened.GetPublicKey());
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
        signer.Init(forSigning: true, new ParametersWithContext(_private!, input.Context.ToArray()));
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
