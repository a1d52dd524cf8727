using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>Material from outside that was checked.</summary>
/// <param name="Secret">The material as <see cref="KeyAlgorithm.Open"/> takes it; null for a public key alone.</param>
/// <param name="PublicPart">The public part (SubjectPublicKeyInfo, DER); null for a spec that has none.</param>
public sealed record ImportedMaterial(SecretBytes? Secret, byte[]? PublicPart) : IDisposable
{
    private const int FingerprintLength = 16;

    /// <summary>
    /// What recognizes the material in one key after its version was destroyed: a MAC under the material itself (HMAC-SHA-256, the first 128
    /// bits), so that it tells nothing of it, nor whether another key has the same. Null for a pair of keys, which the public part tells.
    /// </summary>
    /// <param name="keyId">The key's id, which outlives a backup, unlike its incarnation.</param>
    public byte[]? Fingerprint(string keyId) => Secret is { } secret && PublicPart is null
        ? HMACSHA256.HashData(secret.Span, Encoding.ASCII.GetBytes("okms.import.fingerprint\n" + keyId))[..FingerprintLength]
        : null;

    /// <summary>Zeroes the secret.</summary>
    public void Dispose() => Secret?.Dispose();
}
