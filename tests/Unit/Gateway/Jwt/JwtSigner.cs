using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Tests.Unit.Gateway.Jwt;

/// <summary>An issuer's key pair, which signs whatever a test wants, right or wrong.</summary>
internal sealed class JwtSigner : IDisposable
{
    private readonly AsymmetricAlgorithm _pair;

    private JwtSigner(string keyId, string algorithm, AsymmetricAlgorithm pair) => (KeyId, Algorithm, _pair) = (keyId, algorithm, pair);

    public string KeyId { get; }

    public string Algorithm { get; }

    public static JwtSigner Rsa(string keyId, string algorithm = "RS256", int bits = 2048) => new(keyId, algorithm, RSA.Create(bits));

    public static JwtSigner Ec(string keyId, string algorithm) => new(keyId, algorithm, ECDsa.Create(algorithm switch
    {
        "ES256" => ECCurve.NamedCurves.nistP256,
        "ES384" => ECCurve.NamedCurves.nistP384,
        _ => ECCurve.NamedCurves.nistP521,
    }));

    public static string Base64(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static string KeySet(params string[] keys) => $$"""{"keys":[{{string.Join(',', keys)}}]}""";

    public static string KeySet(params JwtSigner[] signers) => KeySet([.. signers.Select(signer => signer.Jwk())]);

    /// <summary>The same pair, for another algorithm or under another name.</summary>
    public JwtSigner As(string algorithm, string? keyId = null) => new(keyId ?? KeyId, algorithm, _pair);

    /// <summary>The public key as a member of a key set.</summary>
    /// <param name="more">More members, each followed by a comma.</param>
    public string Jwk(string more = "")
    {
        if (_pair is RSA rsa)
        {
            var numbers = rsa.ExportParameters(false);
            return $$"""{"kty":"RSA","kid":"{{KeyId}}",{{more}}"n":"{{Base64Url.EncodeToString(numbers.Modulus)}}","e":"{{Base64Url.EncodeToString(numbers.Exponent)}}"}""";
        }

        var point = ((ECDsa)_pair).ExportParameters(false).Q;
        var curve = Algorithm switch { "ES256" => "P-256", "ES384" => "P-384", _ => "P-521" };
        return $$"""{"kty":"EC","crv":"{{curve}}","kid":"{{KeyId}}",{{more}}"x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
    }

    /// <summary>The public key in PEM, as it might serve for a secret.</summary>
    public string Pem() => _pair.ExportSubjectPublicKeyInfoPem();

    /// <summary>A token of the usual header.</summary>
    public string Sign(string claims) => Sign($$"""{"alg":"{{Algorithm}}","kid":"{{KeyId}}"}""", claims);

    /// <summary>A token.</summary>
    public string Sign(string header, string claims)
    {
        var signed = Base64(header) + "." + Base64(claims);
        return signed + "." + Base64Url.EncodeToString(Signature(Encoding.ASCII.GetBytes(signed)));
    }

    public void Dispose() => _pair.Dispose();

    private byte[] Signature(byte[] message)
    {
        var hash = Algorithm[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        return _pair is RSA rsa
            ? rsa.SignData(message, hash, Algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
            : ((ECDsa)_pair).SignData(message, hash);
    }
}
