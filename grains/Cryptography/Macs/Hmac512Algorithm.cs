using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>HMAC with SHA-512 (FIPS 180-4), on the platform's implementation.</summary>
public sealed class Hmac512Algorithm : MacAlgorithm
{
    /// <inheritdoc/>
    public override string Spec => "HMAC_512";

    /// <inheritdoc/>
    public override int MacLength => 64;

    internal override MacKey OpenKey(ReadOnlySpan<byte> key) => new PlatformHmacKey(HashAlgorithmName.SHA512, key);
}
