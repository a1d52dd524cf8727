namespace OrleansKms;

/// <summary>How the two numbers of an ECDSA signature are written.</summary>
[GenerateSerializer, Alias("okms.SignatureEncoding")]
public enum SignatureEncoding
{
    /// <summary>Ecdsa-Sig-Value in DER (RFC 3279, 2.2.3): what X.509, TLS and most tools use.</summary>
    Der = 1,
    /// <summary>r and s side by side, each as long as the curve's field (IEEE P1363): what JOSE and Web Crypto use.</summary>
    P1363 = 2,
}
