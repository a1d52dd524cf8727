using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A new principal. What is left out is empty.</summary>
internal sealed class CreatePrincipalBody
{
    /// <summary>The name, 1 to 128 of A-Z a-z 0-9 . _ - @.</summary>
    public required string Name { get; set; }

    /// <summary>A text for people, up to 1,024 characters.</summary>
    public string? Description { get; set; }

    /// <summary>Names of policies, up to 32. Without one it may do nothing.</summary>
    public string[]? Policies { get; set; }

    /// <summary>Limits, up to 8.</summary>
    public LimitBody[]? Limits { get; set; }

    /// <summary>Subject alternative names (URI or DNS) of client certificates by which it signs in, up to 16.</summary>
    public string[]? Certificates { get; set; }

    /// <summary>Whose JWTs sign in as it, up to 16.</summary>
    public JwtBody[]? Jwt { get; set; }
}

/// <summary>Makes a principal.</summary>
internal static class CreatePrincipalEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.CreatePrincipalBody, SizeLimits.ControlBody);
        var principal = await PrincipalCommands.Create(exchange, new()
        {
            Caller = exchange.Caller,
            Proof = exchange.Proof,
            Name = body.Name,
            Description = body.Description,
            Policies = PrincipalFields.Whole(body.Policies, "policies") ?? [],
            Limits = PrincipalFields.Limits(body.Limits) ?? [],
            Certificates = PrincipalFields.Whole(body.Certificates, "certificates") ?? [],
            Jwt = PrincipalFields.Jwt(body.Jwt) ?? [],
        });
        exchange.Http.Response.Headers.Location = "/v1/principals/" + body.Name;
        await exchange.Answer(PrincipalAnswer.Of(principal), RestJson.Default.PrincipalAnswer, StatusCodes.Status201Created);
    }
}
