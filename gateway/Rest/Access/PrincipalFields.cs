using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>The fields of principals in requests, converted for the grain, which checks them.</summary>
internal static class PrincipalFields
{
    /// <summary>The principal's name in a path.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static string Name(RestExchange exchange) => exchange.RouteValue("name") is var name && PrincipalName.IsValid(name)
        ? name
        : throw KmsError.InvalidParameter.Exception($"The name of a principal must be {PrincipalName.Rule}.");

    /// <summary>Refuses a null in a list, which JSON permits and the contract does not.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static T[]? Whole<T>(T[]? list, string field)
        where T : class =>
        list is null || Array.TrueForAll(list, one => one is not null) ? list : throw KmsError.InvalidRequest.Exception($"'{field}' contains a null.");

    /// <summary>Limits in the form of messages.</summary>
    public static string[]? Limits(LimitBody[]? limits) =>
        LimitBody.ToRules(limits) is { } rules ? Array.ConvertAll(rules, LimitText.Format) : null;

    /// <summary>Identities in the form of messages.</summary>
    public static JwtIdentity[]? Jwt(JwtBody[]? jwt) =>
        Whole(jwt, "jwt") is { } whole ? Array.ConvertAll(whole, one => new JwtIdentity(one.Issuer, one.Subject)) : null;
}
