using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>Makes the keys that imports are wrapped with.</summary>
internal class WrappingKeys
{
    // 128 bits of security (SP 800-57, 5.6.1.1); a key of 4096 bits, with 140, would take three times as long to make.
    private const int Bits = 3072;

    /// <summary>Makes one, as slow work.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="KmsException">overloaded.</exception>
    public virtual Task<WrappingKey> Make(CancellationToken cancellationToken) => SlowWork.KeyMaking.Run(
        () =>
        {
            using var key = RSA.Create(Bits);
            return new WrappingKey(Pkcs8.Export(key), key.ExportSubjectPublicKeyInfo());
        },
        cancellationToken);
}
