using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// Everything in a request besides the fields of its body. A route's row in the table says what the route accepts; anything else
/// that a caller expects to have an effect is refused rather than ignored: a header of ours, a query parameter, a precondition,
/// an encoding of the body, a body where none is read.
/// </summary>
internal static class RequestForm
{
    private const int MaxNameLength = 64;

    /// <summary>Refuses what the route does not accept.</summary>
    /// <exception cref="KmsException">invalid_request, unsupported_media_type.</exception>
    public static void Check(HttpRequest request, Route route)
    {
        CheckHeaders(request, route);
        if (request.QueryString.HasValue)
        {
            CheckQuery(request, route);
        }

        if (route is { Request: null, IsCommand: false } && RequestBody.IsThere(request.HttpContext))
        {
            throw KmsError.InvalidRequest.Exception("This address accepts no body.");
        }
    }

    /// <summary>Refuses a header of ours that comes after the body, where nobody looks for it.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static void CheckTrailers(HttpContext http)
    {
        if (http.Features.Get<IHttpRequestTrailersFeature>() is not { Available: true } trailers)
        {
            return;
        }

        foreach (var (name, _) in trailers.Trailers)
        {
            if (IsOurs(name))
            {
                throw KmsError.InvalidRequest.Exception($"The header {Shown(name)} must come before the body.");
            }
        }
    }

    // Every request passes here, so a header is recognised by its first letter before its name is compared.
    private static void CheckHeaders(HttpRequest request, Route route)
    {
        var changes = !HttpMethods.IsGet(route.Method);
        foreach (var (name, values) in request.Headers)
        {
            switch (name[0] | 0x20)
            {
                case 'o' or 'x' when IsOurs(name):
                    CheckOurs(request, route, name, values);
                    break;
                // Nothing here has an entity tag, or is changed in parts: a caller that names a condition or a part expects it to
                // count.
                case 'i' when changes && (Is(name, HeaderNames.IfMatch) || Is(name, HeaderNames.IfNoneMatch) || Is(name, HeaderNames.IfUnmodifiedSince)):
                case 'c' when changes && Is(name, HeaderNames.ContentRange):
                    throw KmsError.InvalidRequest.Exception($"This address does not accept the header {name}.");
                case 'c' when changes && Is(name, HeaderNames.ContentEncoding) && !Is(values.ToString(), "identity"):
                    throw KmsError.UnsupportedMediaType.Exception("The body must have no Content-Encoding.");
            }
        }
    }

    private static void CheckOurs(HttpRequest request, Route route, string name, StringValues values)
    {
        if (!route.OctetHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            throw KmsError.InvalidRequest.Exception($"This address does not accept the header {Shown(name)}.");
        }

        if (!Bodies.IsOctets(request))
        {
            throw KmsError.InvalidRequest.Exception(
                $"The header {Shown(name)} is for {Bodies.Octets}; a JSON body has a field for it.");
        }

        if (values.Count > 1)
        {
            throw KmsError.InvalidRequest.Exception($"The header {Shown(name)} appears more than once.");
        }
    }

    private static void CheckQuery(HttpRequest request, Route route)
    {
        if (route.Query.Length == 0)
        {
            throw KmsError.InvalidRequest.Exception("This address accepts no query parameters.");
        }

        foreach (var (name, values) in request.Query)
        {
            if (!Array.Exists(route.Query, p => p.Name == name))
            {
                throw KmsError.InvalidRequest.Exception("This address does not accept one of the query parameters.");
            }

            if (values.Count > 1)
            {
                throw KmsError.InvalidRequest.Exception($"'{name}' appears more than once.");
            }
        }
    }

    // Also as old conventions and typing errors have it: X-Okms-…, Okms_….
    private static bool IsOurs(string name) =>
        name.StartsWith("Okms", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-Okms", StringComparison.OrdinalIgnoreCase);

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static string Shown(string name) => name.Length <= MaxNameLength ? name : name[..MaxNameLength] + "…";
}
