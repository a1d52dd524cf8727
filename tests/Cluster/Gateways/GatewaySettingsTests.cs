using Microsoft.Extensions.Configuration;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>The reading of a gateway's settings, without a process.</summary>
public sealed class GatewaySettingsTests
{
    private static readonly (string, string) _database = ("DATABASE_URL", "postgres://u:s3cret@h/db?sslmode=verify-full");
    private static readonly (string, string) _insecure = ("OKMS_INSECURE_CLUSTER_NETWORK", "true");

    [Fact]
    public void FewestSettings_TakeTheirDefaults()
    {
        var settings = Read(_database, _insecure);
        Assert.Equal(8080, settings.Http.Port);
        Assert.Equal(BindAddress.Localhost, settings.Http.BindAddress);
        Assert.Equal(("okms", "okms"), (settings.Cluster.ServiceId, settings.Cluster.ClusterId));
        Assert.DoesNotContain("s3cret", settings.ToString(), StringComparison.Ordinal);
        var options = settings.ToGatewayOptions();
        options.Validate();
        Assert.Null(options.AdministratorTokenSha256);
        Assert.Equal(settings.Http.RequestTimeout, options.RequestTimeout);
    }

    [Fact]
    public void NoDatabase_IsRefusedByName() => Refused("DATABASE_URL", _insecure);

    [Fact]
    public void NoDecisionOnTheNetwork_IsRefusedByName() => Refused("OKMS_TLS_CERT", _database);

    [Theory]
    [InlineData("HSM_ADDRESS")]
    [InlineData("hsm_address")]
    [InlineData("OKMS_SILO_PORT")]
    [InlineData("OKMS_DATA_DIR")]
    [InlineData("OKMS_GATEWAY_PORT")]
    public void WhatAGatewayDoesNotRead_IsRefusedByName(string name) => Refused(name, _database, _insecure, (name, "1"));

    [Fact]
    public void SettingOfSilos_IsToldFromAMisspeltOne()
    {
        Assert.Equal(
            "HSM_ADDRESS is a setting of silos, which a gateway does not take.",
            Assert.Throws<SettingException>(() => Read(_database, _insecure, ("HSM_ADDRESS", "pkcs11:token=okms"))).Message);
        Assert.Equal(
            "OKMS_RATELIMIT is not a setting of this version.",
            Assert.Throws<SettingException>(() => Read(_database, _insecure, ("OKMS_RATELIMIT", "1"))).Message);
    }

    private static void Refused(string name, params (string, string)[] settings) =>
        Assert.Equal(name, Assert.Throws<SettingException>(() => Read(settings)).Name, ignoreCase: true);

    private static GatewaySettings Read(params (string Name, string Value)[] settings) => GatewaySettings.Read(new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value)))
        .Build());
}
