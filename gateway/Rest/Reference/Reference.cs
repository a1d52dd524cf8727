using System.Security.Cryptography;
using Microsoft.AspNetCore.Routing;
using Scalar.AspNetCore;

namespace OrleansKms.Gateway.Rest.Reference;

/// <summary>The pages that show the OpenAPI document.</summary>
internal static class Reference
{
    private const string Address = "/docs";

    /// <summary>
    /// Maps the pages. Everything they load comes from this process: no foreign font, script or telemetry, and a policy by which
    /// the browser would refuse it.
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
            // They offer to send the document to the vendor of the page.
            options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
            var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
            options.Nonce = nonce;
            var headers = http.Response.Headers;
            headers.ContentSecurityPolicy =
                $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                + "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
            headers["Referrer-Policy"] = "no-referrer";
        }).WithMetadata(KmsOperation.ReadReference);
}
