namespace OrleansKms.Gateway.Access;

/// <summary>Where the console is.</summary>
internal static class ConsoleAddress
{
    /// <summary>The page.</summary>
    public const string Page = "/console";

    /// <summary>Where a browser begins and ends its session.</summary>
    public const string Session = Page + "/session";

    /// <summary>The only addresses where a session signs in, and for which a browser sends its cookie.</summary>
    public const string Api = "/v1";

    private static readonly PathString _page = Page;
    private static readonly PathString _session = Session;

    /// <summary>Whether an address needs no credentials: the page, what it consists of, and the end of a session.</summary>
    public static bool IsOpen(HttpRequest request) =>
        request.Path.StartsWithSegments(_page) && !(request.Path.StartsWithSegments(_session) && HttpMethods.IsPost(request.Method));

    /// <summary>Whether a browser opens the address without a path; other clients get the same answer there as ever.</summary>
    public static bool IsBrowserAtRoot(HttpRequest request) =>
        request.Path == "/" && HttpMethods.IsGet(request.Method) && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);
}
