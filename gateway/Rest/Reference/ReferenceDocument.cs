using System.Text;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace OrleansKms.Gateway.Rest.Reference;

/// <summary>
/// The OpenAPI document, generated from the route table once and kept: anyone may read it, so an answer must cost nothing.
/// </summary>
internal sealed class ReferenceDocument(IServiceProvider services)
{
    /// <summary>The document's name in its address.</summary>
    public const string Name = "v1";

    private readonly Lock _lock = new();
    private Task<ReadOnlyMemory<byte>>? _document;

    /// <summary>The document as JSON.</summary>
    public Task<ReadOnlyMemory<byte>> Read()
    {
        lock (_lock)
        {
            if (_document is null or { IsFaulted: true })
            {
                _document = Make();
            }

            return _document;
        }
    }

    private async Task<ReadOnlyMemory<byte>> Make()
    {
        var provider = services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name);
        var document = await provider.GetOpenApiDocumentAsync();
        return Encoding.UTF8.GetBytes(ReferenceLimits.Fill(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1)));
    }
}
