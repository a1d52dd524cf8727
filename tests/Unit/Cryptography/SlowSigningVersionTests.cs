using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Signatures that take long: how many of one key there may be, and when its private key is erased.</summary>
public sealed class SlowSigningVersionTests
{
    [Fact]
    public async Task Key_TakesAFewPlaces_AndIsErasedAfterTheLastSignature_WhetherOrNotSomebodyWaitsForIt()
    {
        using var key = new HeldKey();
        var version = new SlowSigningVersion(SignaturePair.Of("SLH_DSA_SHA2_128S"), 1, key);
        var input = SignatureInput.Of(version.Schemes, new([1, 2, 3]));
        using var cancelled = new CancellationTokenSource();
        var left = version.Sign(input, cancelled.Token).AsTask();
        await key.Begun.WaitAsync();
        var waiting = Enumerable.Range(1, SlowSigningVersion.MaxSigning - 1).Select(_ =>
        {
            version.RequireRoom();
            return version.Sign(input, CancellationToken.None).AsTask();
        }).ToList();
        Assert.Equal("overloaded", Assert.Throws<KmsException>(version.RequireRoom).Code);

        // It runs on, so its place stays taken.
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.Equal("overloaded", Assert.Throws<KmsException>(version.RequireRoom).Code);
        version.Dispose();
        Assert.False(key.IsErased);
        key.Gate.Release(SlowSigningVersion.MaxSigning);
        Assert.All(await Task.WhenAll(waiting), signature => Assert.Equal([7], signature));
        await key.Erased.Task;
        Assert.False(key.WasUsedErased);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => version.Sign(input).AsTask());
    }

    private sealed class HeldKey : SignatureKey
    {
        public SemaphoreSlim Begun { get; } = new(0);

        public SemaphoreSlim Gate { get; } = new(0);

        public TaskCompletionSource Erased { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsErased => Erased.Task.IsCompleted;

        public bool WasUsedErased { get; private set; }

        public override byte[] Sign(in SignatureInput input, ReadOnlySpan<byte> signed)
        {
            Begun.Release();
            Gate.Wait();
            WasUsedErased |= IsErased;
            return [7];
        }

        public override bool Verify(in SignatureInput input, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature) => false;

        public override void Dispose() => Erased.TrySetResult();
    }
}
