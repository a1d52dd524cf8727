using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class GatewayOptionsTests
{
    private static readonly GatewayOptions _good = new() { AdministratorTokenSha256 = new byte[32] };

    public static TheoryData<string, GatewayOptions> Bad => new()
    {
        { nameof(GatewayOptions.AdministratorTokenSha256), _good with { AdministratorTokenSha256 = new byte[31] } },
        { nameof(GatewayOptions.MaxPlaintextBytes), _good with { MaxPlaintextBytes = 0 } },
        { nameof(GatewayOptions.MaxPlaintextBytes), _good with { MaxPlaintextBytes = (1 << 20) + 1 } },
        { nameof(GatewayOptions.RequestTimeout), _good with { RequestTimeout = TimeSpan.Zero } },
        { nameof(GatewayOptions.RequestTimeout), _good with { RequestTimeout = TimeSpan.FromHours(1) } },
        { nameof(GatewayOptions.RateLimitPerSecond), _good with { RateLimitPerSecond = 0 } },
        { nameof(GatewayOptions.RateLimitBurst), _good with { RateLimitPerSecond = 1, RateLimitBurst = 0 } },
        { nameof(GatewayOptions.RateLimitBurst), _good with { RateLimitBurst = 5 } },
        { nameof(GatewayOptions.RateLimitBurst), _good with { RateLimitPerSecond = 101, RateLimitBurst = 10 } },
        { nameof(GatewayOptions.DrainDelay), _good with { DrainDelay = TimeSpan.FromSeconds(-1) } },
        { nameof(GatewayOptions.DrainDelay), _good with { DrainDelay = TimeSpan.FromSeconds(61) } },
        { nameof(GatewayOptions.MaxBodyBytesInFlight), _good with { MaxBodyBytesInFlight = 1000 } },
        { nameof(GatewayOptions.MaxConnections), _good with { MaxConnections = 1 } },
        { nameof(GatewayOptions.MetricsKeyLimit), _good with { MetricsKeyLimit = 0 } },
    };

    [Fact]
    public void Validate_Defaults_AreGood() => _good.Validate();

    [Fact]
    public void Validate_WithoutToken_IsGood() => (_good with { AdministratorTokenSha256 = null }).Validate();

    [Fact]
    public void Validate_BurstOfATenthOfTheRate_IsGood() =>
        (_good with { RateLimitPerSecond = 100, RateLimitBurst = 10 }).Validate();

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_OutOfRange_NamesTheSetting(string setting, GatewayOptions options) =>
        Assert.StartsWith(setting + " ", Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
}
