using System.Globalization;

namespace OrleansKms.Gateway.Rest;

/// <summary>Reads query parameters, which <see cref="RequestForm"/> has checked against the route's own.</summary>
internal readonly struct Query(RestExchange exchange)
{
    private readonly IQueryCollection _values = exchange.Http.Request.Query;

    /// <summary>A text, or null when it is missing or empty.</summary>
    public string? Text(string name) => Given(name) is { Length: > 0 } value ? value : null;

    /// <summary>A boolean; false when it is missing.</summary>
    public bool Flag(string name) => Given(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw KmsError.InvalidParameter.Exception($"'{name}' must be true or false."),
    };

    /// <summary>A time as in RFC 3339, or null if it is absent.</summary>
    public DateTimeOffset? Time(string name) => Text(name) is not { } text ? null
        : DateTimeOffset.TryParseExact(
            text, ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw KmsError.InvalidParameter.Exception($"'{name}' must be a time such as 2026-01-31T12:00:00Z.");

    /// <summary>A key version, or null if it is absent.</summary>
    public int? Version(string name) => Given(name) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version >= 1 ? version
        : throw KmsError.InvalidParameter.Exception($"'{name}' must be a key version, a whole number of 1 or more.");

    /// <summary>
    /// The page size: 1 to <see cref="KmsLimits.PageItems"/>, or <see cref="KmsLimits.DefaultPageItems"/> if it is absent.
    /// </summary>
    public int Limit() => Given("limit") is not { } text ? KmsLimits.DefaultPageItems
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= KmsLimits.PageItems ? limit
        : throw KmsError.InvalidParameter.Exception($"'limit' must be 1 to {KmsLimits.PageItems}.");

    /// <summary>The prefix of listed names; empty for all.</summary>
    public string Prefix()
    {
        var prefix = Text("prefix") ?? "";
        return KeyId.IsValidPrefix(prefix) ? prefix : throw KmsError.InvalidParameter.Exception("'prefix' cannot be the "
            + "beginning of a name.");
    }

    // A flag or a number without a value was meant to mean something, and is refused.
    private string? Given(string name) => _values[name] is [{ } value] ? value : null;
}
