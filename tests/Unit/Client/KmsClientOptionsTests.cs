using System.Net;

namespace OrleansKms.Tests.Unit.Client;

public sealed class KmsClientOptionsTests
{
    private static readonly KmsClientOptions _good = new()
    {
        Principal = "billing",
        DatabaseUrl = "postgres://okms_client:s3cret@db.example/okms?sslmode=verify-full",
        MutualTls = new MutualTlsFiles("ca.pem", "billing.pem", "billing.key"),
    };

    private static readonly IPEndPoint[] _silos = [new(IPAddress.Loopback, 30000)];

    public static TheoryData<string, KmsClientOptions> Bad => new()
    {
        { nameof(KmsClientOptions.Principal), _good with { Principal = "" } },
        { nameof(KmsClientOptions.Principal), _good with { Principal = null! } },
        { nameof(KmsClientOptions.Principal), _good with { Principal = "bill\ning" } },
        { nameof(KmsClientOptions.Principal), _good with { Principal = new string('a', 129) } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { DatabaseUrl = null } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { DatabaseUrl = null, Silos = [] } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { DatabaseUrl = "Host=db;Password=s3cret" } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { DatabaseUrl = "postgres://u:s3cret@db" } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { DatabaseUrl = "postgres://u:s3cret@db/x?ssl=1" } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { DatabaseUrl = "postgres://u:s3cret@db/x" } },
        { nameof(KmsClientOptions.DatabaseUrl), _good with { InsecureDatabaseConnection = true } },
        { nameof(KmsClientOptions.Silos), _good with { Silos = _silos } },
        { nameof(KmsClientOptions.Silos), _good with { DatabaseUrl = null, Silos = [new(IPAddress.Loopback, 0)] } },
        { nameof(KmsClientOptions.ServiceId), _good with { ServiceId = "" } },
        { nameof(KmsClientOptions.ClusterId), _good with { ClusterId = " " } },
        { nameof(KmsClientOptions.MutualTls), _good with { MutualTls = null } },
        { nameof(KmsClientOptions.InsecureNetwork), _good with { InsecureNetwork = true } },
        { nameof(KmsClientOptions.ResponseTimeout), _good with { ResponseTimeout = TimeSpan.Zero } },
        { nameof(KmsClientOptions.ResponseTimeout), _good with { ResponseTimeout = TimeSpan.FromHours(1) } },
    };

    [Fact]
    public void Validate_GoodOnes()
    {
        _good.Validate();
        (_good with { DatabaseUrl = null, Silos = _silos }).Validate();
        (_good with { MutualTls = null, InsecureNetwork = true }).Validate();
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Validate_NamesTheOption_AndNoSecret(string option, KmsClientOptions options)
    {
        var refusal = Assert.Throws<ArgumentException>(options.Validate);
        Assert.StartsWith(option + " ", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_HoldsNoSecret() => Assert.DoesNotContain("s3cret", _good.ToString(), StringComparison.Ordinal);
}
