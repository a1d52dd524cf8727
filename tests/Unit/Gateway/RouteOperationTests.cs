using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Configuration;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>That every address of a process, the host's own included, says which operation it is.</summary>
public sealed class RouteOperationTests
{
    [Fact]
    public async Task Routes_NameTheirOperation()
    {
        await using var app = Build();
        app.MapKmsGateway();
        app.MapDashboardPage(Settings.Read(new ConfigurationManager()));
        var routes = EndpointsOf(app);
        Assert.Contains(routes, route => route.RoutePattern.RawText == "/v1/keys/{id}/encrypt" && OperationOf(route) == KmsOperation.Encrypt);
        Assert.Contains(routes, route => route.RoutePattern.RawText!.StartsWith("/docs", StringComparison.Ordinal));
        Assert.Contains(routes, route => route.RoutePattern.RawText!.StartsWith("/dashboard", StringComparison.Ordinal));
        Assert.All(routes, route => Assert.True(OperationOf(route) is not null, $"{route.DisplayName} names no operation"));
    }

    [Fact]
    public async Task Routes_OfAProcessThatServesNoRequests_NameTheirOperation()
    {
        await using var app = Build();
        app.MapKmsOperation();
        Assert.Equal(
            ["service:health", "service:health", "service:health", "service:metrics"],
            EndpointsOf(app).Select(route => OperationOf(route)?.Name).Order(StringComparer.Ordinal));
    }

    private static WebApplication Build()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddKmsGateway(new() { AdministratorTokenSha256 = new byte[32] });
        return builder.Build();
    }

    private static List<RouteEndpoint> EndpointsOf(IEndpointRouteBuilder app) =>
        [.. app.DataSources.SelectMany(source => source.Endpoints).Cast<RouteEndpoint>()];

    private static KmsOperation? OperationOf(RouteEndpoint route) => route.Metadata.GetMetadata<KmsOperation>();
}
