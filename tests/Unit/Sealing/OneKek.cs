using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.Sealing;

/// <summary>A ring of one KEK.</summary>
internal sealed class OneKek(byte[] kek, string installation = "00112233445566778899aabbccddeeff") : IKekRing, IDisposable
{
    public Kek Current { get; } = new(KekOpening.IdOf(kek), new XAes256Gcm(kek));

    public ReadOnlyMemory<byte> Installation { get; } = Convert.FromHexString(installation);

    public Kek? Find(KekId id) => id == Current.Id ? Current : null;

    public Task<Kek?> Reload(KekId id, CancellationToken cancellationToken) => Task.FromResult<Kek?>(null);

    public void Dispose() => Current.Cipher.Dispose();
}
