using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>HMAC with SHA-384 (FIPS 180-4), on the platform's implementation.</summary>
public sealed class Hmac384Algorithm : MacAlgorithm
{
    /// <inheritdoc/>
    public override string Spec => "HMAC_384";

    /// <inheritdoc/>
    public override int MacLength => 48;

    internal override MacKey OpenKey(ReadOnlySpan<byte> key) => new PlatformHmacKey(HashAlgorithmName.SHA384, key);
}
