using Microsoft.AspNetCore.Routing;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Gateway.WebConsole;

/// <summary>The console: a page that does with the HTTP interface what its user may do there, and nothing else.</summary>
internal static class ConsoleRoutes
{
    /// <summary>Where the page's files are; their hash follows.</summary>
    public const string Files = ConsoleAddress.Page + "/files/";

    /// <summary>Everything comes from this process; a script or style in the page itself would not run.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        + "frame-ancestors 'none'";

    /// <summary>Maps its addresses. They are not part of the API.</summary>
    public static void MapConsole(this IEndpointRouteBuilder routes)
    {
        var files = routes.ServiceProvider.GetRequiredService<ConsoleFiles>();
        Map(HttpMethods.Get, ConsoleAddress.Page, KmsOperation.ReadReference, http => Answer(http, files.FindPage(), "no-cache"));
        Map(HttpMethods.Get, Files + "{tag}/{**name}", KmsOperation.ReadReference, http => Find(http) is { } file
            ? Answer(http, file, "public, max-age=31536000, immutable")
            : throw KmsError.NotFound.Exception());
        Map(HttpMethods.Post, ConsoleAddress.Session, KmsOperation.SignIn, SessionEndpoint.Begin);
        Map(HttpMethods.Delete, ConsoleAddress.Session, KmsOperation.ReadReference, SessionEndpoint.End);

        void Map(string method, string pattern, KmsOperation operation, RequestDelegate handler) =>
            routes.MapMethods(pattern, [method], handler).WithMetadata(operation);

        ConsoleFile? Find(HttpContext http) => files.Find((string)http.Request.RouteValues["tag"]!, http.Request.RouteValues["name"] as string ?? "");
    }

    private static Task Answer(HttpContext http, ConsoleFile file, string cacheControl)
    {
        var headers = http.Response.Headers;
        var form = file.FormFor(http.Request);
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = cacheControl;
        headers.Vary = "Accept-Encoding";
        headers.ETag = form.Tag;
        if (ConsoleFile.IsKnown(http.Request.Headers.IfNoneMatch, form))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        if (form.Encoding is { } encoding) headers.ContentEncoding = encoding;
        return RestExchange.Of(http).AnswerBytes(form.Bytes, file.ContentType);
    }
}
