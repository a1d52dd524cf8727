using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A new principal. Omitted fields are empty.</summary>
internal sealed class CreatePrincipalBody
{
    /// <summary>The name, 1 to <see cref="KmsLimits.PrincipalLength"/> of A-Z a-z 0-9 . _ - @.</summary>
    public required string Name { get; set; }

    /// <summary>Free text, up to <see cref="KmsLimits.DescriptionLength"/> characters.</summary>
    public string? Description { get; set; }

    /// <summary>Names of policies, up to <see cref="KmsLimits.PoliciesOfPrincipal"/>. A principal without any may do nothing.</summary>
    public string[]? Policies { get; set; }

    /// <summary>Up to <see cref="KmsLimits.LimitRules"/> limits.</summary>
    public LimitBody[]? Limits { get; set; }

    /// <summary>
    /// Subject alternative names (URI or DNS) of client certificates that it signs in with, up to
    /// <see cref="KmsLimits.PrincipalIdentities"/>.
    /// </summary>
    public string[]? Certificates { get; set; }

    /// <summary>Identities of JWTs that it signs in with, up to <see cref="KmsLimits.PrincipalIdentities"/>.</summary>
    public JwtBody[]? Jwt { get; set; }
}

/// <summary>Creates a principal.</summary>
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
