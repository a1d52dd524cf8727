using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Rest.Aliases;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Cryptography;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Reference;

/// <summary>Completes the OpenAPI document from the route table, which is the only place that knows the routes.</summary>
internal static class ReferenceTransformers
{
    private const string Json = "application/json";
    private const string SecurityScheme = "token";

    /// <summary>The row of the route table behind an address, or null.</summary>
    public static Route? RouteOf(ApiDescription description) =>
        description.ActionDescriptor.EndpointMetadata.OfType<Route>().LastOrDefault();

    /// <summary>Describes the document as a whole.</summary>
    public static Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext _, CancellationToken _1)
    {
        document.Info = new OpenApiInfo
        {
            Title = "OrleansKms",
            Version = ReferenceDocument.Name,
            Description = "A key service. Keys never leave it in the clear: applications send data to encrypt, decrypt, sign and verify, and ask "
                + "for data keys. Binary values are standard base64; times are RFC 3339 in UTC; durations are ISO 8601. Unknown "
                + "fields, query parameters and Okms- headers are refused. Wherever a key id is expected, alias:{name} serves too.",
        };
        // The framework makes a tag of each handler's class.
        document.Tags = Routes.All.Select(r => r.Tag).Distinct().Select(tag => new OpenApiTag { Name = tag }).ToHashSet();
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
        document.Components.SecuritySchemes[SecurityScheme] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "The administrator's token, or a principal's API token or JWT.",
        };
        return Task.CompletedTask;
    }

    /// <summary>Describes one operation.</summary>
    public static async Task Describe(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var route = RouteOf(context.Description) ?? throw new InvalidOperationException("An operation without a route is in the document.");
        var document = context.Document!;
        operation.Summary = route.Summary;
        operation.OperationId = route.Id;
        operation.Tags = new HashSet<OpenApiTagReference> { new(route.Tag, document) };
        operation.Parameters = Parameters(route);
        operation.RequestBody = await RequestBody(route, context, cancellationToken);
        operation.Responses = await Responses(route, context, cancellationToken);
        operation.Security = route.IsOpen ? [] : [new OpenApiSecurityRequirement { [new(SecurityScheme, document)] = [] }];
    }

    /// <summary>Describes what a schema made from a type cannot know.</summary>
    public static Task Describe(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken _)
    {
        // The framework's own JSON rules would accept numbers in strings; the gateway's do not.
        if (schema.Type is { } type && type.HasFlag(JsonSchemaType.Integer))
        {
            schema.Type = type & ~JsonSchemaType.String;
            schema.Pattern = null;
        }

        if (context.JsonTypeInfo.Type == typeof(CreateKeyBody) || context.JsonTypeInfo.Type == typeof(CreateKeyItem))
        {
            DescribeChoice(schema, "spec", KeySpec.All.Select(spec => spec.Name));
            DescribeChoice(schema, "usage", KeySpec.All.SelectMany(spec => spec.Usages).Distinct().Select(WireNames<KeyUsage>.Of));
        }

        // Listed keys and aliases have hand-written converters.
        if (context.JsonTypeInfo.Type == typeof(ListKeysAnswer))
        {
            DescribeItems(
                schema, "keys", "id", "The key's id; with describe=true all that GET /v1/keys/{id} answers, or the id and an error.");
        }
        else if (context.JsonTypeInfo.Type == typeof(CreateKeysAnswer))
        {
            DescribeItems(schema, "results", "id", "All that GET /v1/keys/{id} answers, or the id and an error.");
        }
        else if (context.JsonTypeInfo.Type == typeof(ListAliasesAnswer))
        {
            DescribeItems(schema, "aliases", "name", "All that GET /v1/aliases/{name} answers, or the name and an error.");
        }

        return Task.CompletedTask;
    }

    /// <summary>Describes a text that is one of a list.</summary>
    private static void DescribeChoice(OpenApiSchema schema, string field, IEnumerable<string> choices)
    {
        if (schema.Properties?[field] is OpenApiSchema text)
        {
            text.Enum = [.. choices.Select(choice => (JsonNode)choice)];
        }
    }

    /// <summary>Describes a list whose items have one field for certain.</summary>
    private static void DescribeItems(OpenApiSchema page, string list, string field, string description)
    {
        if (page.Properties?[list] is OpenApiSchema items)
        {
            items.Items = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = description,
                Required = new HashSet<string> { field },
                Properties = new Dictionary<string, IOpenApiSchema> { [field] = Simple("string") },
            };
        }
    }

    private static List<IOpenApiParameter> Parameters(Route route)
    {
        var parameters = new List<IOpenApiParameter>();
        foreach (var part in route.Pattern.Split('/').Where(p => p.StartsWith('{')))
        {
            var name = part.Trim('{', '}');
            parameters.Add(new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Path,
                Required = true,
                Schema = Simple(name == "n" ? "integer" : "string"),
                Description = name switch
                {
                    "n" => "The key version.",
                    "name" => "The alias's name.",
                    _ when route.Tag == "Approvals" => "The approval's id.",
                    _ => "The key's id, or alias: and a name.",
                },
            });
        }

        parameters.AddRange(route.Query.Select(q => new OpenApiParameter
        {
            Name = q.Name,
            In = ParameterLocation.Query,
            Schema = Simple(q.Type),
            Description = q.Description,
        }));
        parameters.AddRange(route.OctetHeaders.Select(name => new OpenApiParameter
        {
            Name = name,
            In = ParameterLocation.Header,
            Schema = Simple("string"),
            Description = "Associated data in base64, when the body is application/octet-stream; refused otherwise.",
        }));
        return parameters;
    }

    private static async Task<OpenApiRequestBody?> RequestBody(
        Route route, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (route.Request is null)
        {
            return null;
        }

        var body = new OpenApiRequestBody { Required = !route.RequestIsOptional, Content = new Dictionary<string, OpenApiMediaType>() };
        body.Content[Json] = new OpenApiMediaType { Schema = await SchemaOf(route.Request, context, cancellationToken) };
        if (route.Octets)
        {
            body.Content[OctetForm.ContentType] = new OpenApiMediaType();
        }

        return body;
    }

    private static async Task<OpenApiResponses> Responses(
        Route route, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var good = new OpenApiResponse { Description = "Done." };
        if (route.Response is not null)
        {
            var schema = await SchemaOf(route.Response, context, cancellationToken);
            if (route.Items)
            {
                var batch = await SchemaOf(typeof(BatchAnswer), context, cancellationToken);
                schema = new OpenApiSchema { AnyOf = [schema, batch] };
            }

            good.Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = schema } };
            if (route.Octets)
            {
                good.Content[OctetForm.ContentType] = new OpenApiMediaType();
            }
        }

        var problem = new OpenApiResponse
        {
            Description = "What went wrong; its code is stable.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/problem+json"] = new() { Schema = await SchemaOf(typeof(Problem), context, cancellationToken) },
            },
        };
        var responses = new OpenApiResponses
        {
            [route.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)] = good,
            ["default"] = problem,
        };
        if (route.ManyResponse is not null)
        {
            responses["200"] = new OpenApiResponse
            {
                Description = "The answer to items: what became of each, in order.",
                Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = await SchemaOf(route.ManyResponse, context, cancellationToken) } },
            };
        }

        if (route.Operation is { } operation && GuardedOperations.Has(operation))
        {
            responses["202"] = new OpenApiResponse
            {
                Description = "Nothing was done yet: the key has dual control, and the operation waits for approval.",
                Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = await SchemaOf(typeof(ApprovalAnswer), context, cancellationToken) } },
            };
        }

        return responses;
    }

    private static async Task<IOpenApiSchema> SchemaOf(
        Type type, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var schema = await context.GetOrCreateSchemaAsync(type, null, cancellationToken);
        context.Document!.AddComponent(type.Name, schema);
        return new OpenApiSchemaReference(type.Name, context.Document);
    }

    private static OpenApiSchema Simple(string type) => new()
    {
        Type = type switch
        {
            "integer" => JsonSchemaType.Integer,
            "boolean" => JsonSchemaType.Boolean,
            _ => JsonSchemaType.String,
        },
    };
}
