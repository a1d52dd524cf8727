using CsCheck;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Tests.Unit.Keys;

public sealed class UsagePolicyTests
{
    private static readonly KeyAlgorithm _gcm = Algorithm("AES_256_GCM");
    private static readonly KeyAlgorithm _xaes = Algorithm("XAES_256_GCM");

    [Fact]
    public void Of_GcmWithoutAPlan_RotatesAt2To31AndRefusesAt2To32()
    {
        var policy = UsagePolicy.Of(_gcm, null, KeyOrigin.Generated);
        Assert.Equal((1L << 31, 1L << 32), (policy.RotateAt, policy.RefuseAt));
    }

    [Fact]
    public void Of_ExternalGcm_NeverRotatesByItself() =>
        Assert.Equal(new(long.MaxValue, 1L << 32), UsagePolicy.Of(_gcm, null, KeyOrigin.External));

    [Fact]
    public void Of_XAes_HasNoLimitButThePlans() =>
        Assert.Equal(new(1000, long.MaxValue), UsagePolicy.Of(_xaes, new(null, 1000), KeyOrigin.Generated));

    [Fact]
    public void Reservation_FarFromAnyThreshold_IsWhatIsWanted() =>
        Assert.Equal(1024, UsagePolicy.Of(_gcm, null, KeyOrigin.Generated).Reservation(0, 1024));

    [Fact]
    public void Reservation_APlanOf1000Uses_StartsWithASixteenthSoThatACrashDoesNotExhaustIt() =>
        Assert.Equal(62, UsagePolicy.Of(_gcm, new(null, 1000), KeyOrigin.Generated).Reservation(0, 1024));

    [Fact]
    public void Reservation_AnyState_IsBoundedAndAlwaysReachesTheThresholdExactly() =>
        Gen.Select(Gen.Long[1, 100_000], Gen.Long[1, 1L << 20]).Sample((threshold, wanted) =>
        {
            var policy = new UsagePolicy(threshold, long.MaxValue);
            long spent = 0;
            while (spent < threshold)
            {
                var block = policy.Reservation(spent, wanted);
                var distance = threshold - spent;
                Assert.InRange(block, 1, Math.Max(1, Math.Min(wanted, distance / 16)));
                spent += block;
            }

            Assert.Equal(threshold, spent);
        }, iter: 200);

    [Fact]
    public void Reservation_AtTheEnd_IsNothing() =>
        Assert.Equal(0, UsagePolicy.Of(_gcm, null, KeyOrigin.External).Reservation(1L << 32, 1024));

    private static KeyAlgorithm Algorithm(string spec) => KeyAlgorithms.TryFind(spec, out var found) ? found : throw new InvalidOperationException(spec);
}
