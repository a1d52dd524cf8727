using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Gateway.Json;
using Scalar.AspNetCore;

namespace OrleansKms.Gateway.Operation;

/// <summary>The OpenAPI document and the pages that show it.</summary>
internal static class Reference
{
    private const string Address = "/docs";

    /// <summary>Adds the making of the document.</summary>
    public static void AddReference(this IServiceCollection services)
    {
        services.Configure<JsonOptions>(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, GatewayJson.Default));
        services.AddOpenApi(ReferenceDocument.Name, ReferenceTransformers.Configure);
    }

    /// <summary>
    /// Maps the pages. Everything they load comes from this process: no font, script or telemetry of others, and a policy by
    /// which the browser would refuse it.
    /// </summary>
    public static void MapReference(this IEndpointRouteBuilder routes) =>
        routes.MapScalarApiReference(Address, (options, http) =>
        {
            options.WithTitle("OrleansKms")
                .WithOpenApiRoutePattern("/openapi/v1.json")
                .DisableDefaultFonts()
                .DisableTelemetry()
                .DisableAgent()
                .DisableMcp();
            options.DynamicNonce = true;
        });
}
