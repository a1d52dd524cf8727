using System.Security.Cryptography;

namespace OrleansKms.Tests.Bench;

/// <summary>What a key grain is measured beside: a grain that only calls AesGcm. No state, no checks, no counting.</summary>
[Alias("bench.IBareGrain")]
public interface IBareGrain : IGrainWithStringKey
{
    [Alias("Encrypt")]
    ValueTask<BareBytes> Encrypt(BareBytes plaintext);
}

[GenerateSerializer, Immutable, Alias("bench.BareBytes")]
public sealed record BareBytes([property: Id(0)] byte[] Bytes);

public sealed class BareGrain : Grain, IBareGrain, IDisposable
{
    private const int NonceLength = 12;
    private const int TagLength = 16;

    [ThreadStatic]
    private static byte[]? _nonces;

    [ThreadStatic]
    private static int _next;

    private readonly AesGcm _aes = new(RandomNumberGenerator.GetBytes(32), TagLength);

    public ValueTask<BareBytes> Encrypt(BareBytes plaintext)
    {
        var result = GC.AllocateUninitializedArray<byte>(NonceLength + plaintext.Bytes.Length + TagLength);
        var nonce = result.AsSpan(0, NonceLength);
        Nonce(nonce);
        _aes.Encrypt(nonce, plaintext.Bytes, result.AsSpan(NonceLength, plaintext.Bytes.Length), result.AsSpan(^TagLength..));
        return new(new BareBytes(result));
    }

    public void Dispose() => _aes.Dispose();

    // In blocks, as the key grain draws them: the comparison is of everything else.
    private static void Nonce(Span<byte> nonce)
    {
        if (_nonces is null || _next == _nonces.Length)
        {
            _nonces ??= new byte[512 * NonceLength];
            RandomNumberGenerator.Fill(_nonces);
            _next = 0;
        }

        _nonces.AsSpan(_next, NonceLength).CopyTo(nonce);
        _next += NonceLength;
    }
}
