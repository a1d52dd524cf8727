using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>HMAC with SHA-256 (FIPS 180-4), on the platform's implementation.</summary>
public sealed class Hmac256Algorithm : MacAlgorithm
{
    /// <inheritdoc/>
    public override string Spec => "HMAC_256";

    /// <inheritdoc/>
    public override int MacLength => 32;

    internal override MacKey OpenKey(ReadOnlySpan<byte> key) => new PlatformHmacKey(HashAlgorithmName.SHA256, key);
}
