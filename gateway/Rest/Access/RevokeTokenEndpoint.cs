using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>Revokes a token.</summary>
internal static class RevokeTokenEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var (name, id) = (PrincipalFields.Name(exchange), exchange.RouteValue("id"));
        if (!ApiToken.IsId(id)) throw KmsError.InvalidParameter.Exception("A token's id must be 16 hexadecimal digits in lower case.");
        await PrincipalCommands.RevokeToken(exchange, name, id);
        await exchange.AnswerNothing();
    }
}
