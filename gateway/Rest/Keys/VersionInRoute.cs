using System.Globalization;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>The key version in a path.</summary>
internal static class VersionInRoute
{
    /// <summary>Reads <c>{n}</c>.</summary>
    /// <exception cref="KmsException">invalid_parameter: it is not a whole number of 1 or more.</exception>
    public static int Read(RestExchange exchange) =>
        int.TryParse(exchange.RouteValue("n"), NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version >= 1
            ? version
            : throw KmsError.InvalidParameter.Exception("A key version is a whole number of 1 or more.");
}
