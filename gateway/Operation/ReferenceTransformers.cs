using Microsoft.AspNetCore.OpenApi;

namespace OrleansKms.Gateway.Operation;

internal static class ReferenceTransformers
{
    public static void Configure(OpenApiOptions options) => options.OpenApiVersion = Microsoft.OpenApi.OpenApiSpecVersion.OpenApi3_1;
}
