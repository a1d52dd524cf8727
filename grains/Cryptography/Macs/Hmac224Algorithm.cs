using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>HMAC with SHA-224 (FIPS 180-4), which the platform does not have; by BouncyCastle.</summary>
public sealed class Hmac224Algorithm : MacAlgorithm
{
    /// <inheritdoc/>
    public override string Spec => "HMAC_224";

    /// <inheritdoc/>
    public override int MacLength => 28;

    internal override MacKey OpenKey(ReadOnlySpan<byte> key) => new Key(key);

    /// <summary>
    /// The key is in pinned memory that is zeroed. BouncyCastle copies it for each message into managed memory that nothing can erase;
    /// the collector reuses that soon.
    /// </summary>
    private sealed class Key(ReadOnlySpan<byte> key) : MacKey
    {
        private readonly SecretBytes _key = SecretBytes.CopyOf(key);

        public override void Compute(ReadOnlySpan<byte> message, Span<byte> mac)
        {
            var hmac = new HMac(new Sha224Digest());
            hmac.Init(new KeyParameter(_key.Span));
            hmac.BlockUpdate(message);
            hmac.DoFinal(mac);
        }

        public override void Dispose() => _key.Dispose();
    }
}
