using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>Pairs whose public key is a string (RFC 8410), on a curve that tokens name in two ways.</summary>
/// <param name="type">The type of the keys.</param>
/// <param name="maker">The mechanism that makes them.</param>
/// <param name="makerName">Its name, for messages.</param>
/// <param name="names">CKA_EC_PARAMS that tokens may want, the likeliest first.</param>
/// <param name="length">Length of a public key in bytes.</param>
/// <param name="info">Makes SubjectPublicKeyInfo of one.</param>
internal sealed class StringPairs(CKK type, CKM maker, string makerName, byte[][] names, int length, Func<byte[], byte[]> info)
    : HsmPairs(type, maker, makerName)
{
    /// <inheritdoc/>
    public override IEnumerable<HsmProof> Ways(HsmSession session) => names.Select(name => new HsmProof { Type = Type, Curve = name });

    /// <inheritdoc/>
    public override byte[] ReadPublic(HsmSession session, ulong key) => info(EcPoint.Unwrap(Required(session, key, CKA.CKA_EC_POINT), length));

    /// <inheritdoc/>
    protected override Pkcs11Template AddTo(Pkcs11Template publicKey, HsmProof way) => publicKey.Add(CKA.CKA_EC_PARAMS, way.Curve);
}
