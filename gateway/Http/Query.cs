using System.Globalization;

namespace OrleansKms.Gateway.Http;

/// <summary>Reads query parameters as strictly as bodies: an unknown or repeated one is refused.</summary>
internal readonly struct Query
{
    private readonly IQueryCollection _values;

    /// <summary>The query of a request to a route that names its parameters.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public Query(Exchange exchange)
    {
        _values = exchange.Http.Request.Query;
        foreach (var (name, values) in _values)
        {
            if (!Array.Exists(exchange.Route!.Query, p => p.Name == name))
            {
                throw KmsError.InvalidRequest.Exception("A query parameter is not one that this address takes.");
            }

            if (values.Count > 1)
            {
                throw KmsError.InvalidRequest.Exception($"'{name}' is there more than once.");
            }
        }
    }

    /// <summary>A text, or null when it is not there or empty.</summary>
    public string? Text(string name) => _values[name] is [{ Length: > 0 } value] ? value : null;

    /// <summary>A yes or no; no when it is not there.</summary>
    public bool Flag(string name) => Text(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw KmsError.InvalidParameter.Exception($"'{name}' must be true or false."),
    };

    /// <summary>The size of a page: 1 to 1,000, or 100 when it is not there.</summary>
    public int Limit() => Text("limit") is not { } text ? 100
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= 1000 ? limit
        : throw KmsError.InvalidParameter.Exception("'limit' must be 1 to 1000.");

    /// <summary>The beginning that listed names have; empty for all.</summary>
    public string Prefix()
    {
        var prefix = Text("prefix") ?? "";
        return KeyId.IsValidPrefix(prefix) ? prefix : throw KmsError.InvalidParameter.Exception("'prefix' cannot begin a name.");
    }
}
