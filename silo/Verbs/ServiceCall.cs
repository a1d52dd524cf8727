using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs;

/// <summary>One request.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Path">The path, beginning <c>v1/</c>, made with <see cref="Of"/>; and the query.</param>
internal sealed record ServiceCall(HttpMethod Method, string Path)
{
    /// <summary>The JSON body; null for none.</summary>
    public JsonNode? Body { get; init; }

    /// <summary>A JSON body that is sent as it is, instead of <see cref="Body"/>.</summary>
    public byte[]? Verbatim { get; init; }

    /// <summary>
    /// Whether it may be sent again after a failure that leaves open whether it was carried out: it reads, or uses a key at the cost of
    /// one more counted use. A change may not.
    /// </summary>
    public bool MayRepeat { get; init; }

    /// <summary>Whether 503 is an answer: that of an unhealthy service.</summary>
    public bool TakesUnhealthy { get; init; }

    /// <summary>Reads.</summary>
    public static ServiceCall Get(string path) => new(HttpMethod.Get, path) { MayRepeat = true };

    /// <summary>Uses a key: encrypts, decrypts, signs, …</summary>
    public static ServiceCall Use(string path, JsonNode body) => new(HttpMethod.Post, path) { Body = body, MayRepeat = true };

    /// <summary>Changes something.</summary>
    public static ServiceCall Change(string path, JsonNode? body = null) => new(HttpMethod.Post, path) { Body = body };

    /// <summary>A path of these parts, each escaped: what a caller gives is one segment, whatever is in it.</summary>
    /// <exception cref="VerbException">A part is empty or consists of dots, which would lead elsewhere.</exception>
    public static string Of(FormattableString path) => string.Format(System.Globalization.CultureInfo.InvariantCulture, path.Format, [.. path.GetArguments().Select(part => (object)Segment((string)part!))]);

    /// <summary>Adds a query of the parameters that have values.</summary>
    public static string WithQuery(string path, params (string Name, string? Value)[] parameters)
    {
        var query = string.Join('&', parameters.Where(p => p.Value is not null).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}"));
        return query.Length == 0 ? path : $"{path}?{query}";
    }

    private static string Segment(string text) => text.AsSpan().Trim('.').IsEmpty
        ? throw VerbException.Usage(text.Length == 0 ? "An id or name is empty." : $"{text} is not an id or name.")
        : Uri.EscapeDataString(text).Replace("%3A", ":", StringComparison.Ordinal);
}
