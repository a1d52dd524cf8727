using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A change of a principal: an omitted field stays as it is, and null clears.</summary>
internal sealed class UpdatePrincipalBody
{
    /// <summary>Free text, up to <see cref="KmsLimits.DescriptionLength"/> characters.</summary>
    public string? Description
    {
        get;
        set
        {
            field = value;
            DescriptionIsSet = true;
        }
    }

    /// <summary>All policies; they replace the old ones.</summary>
    public string[]? Policies { get; set => field = value ?? []; }

    /// <summary>All limits; they replace the old ones.</summary>
    public LimitBody[]? Limits { get; set => field = value ?? []; }

    /// <summary>All subject alternative names of certificates; they replace the old ones.</summary>
    public string[]? Certificates { get; set => field = value ?? []; }

    /// <summary>All JWT identities; they replace the old ones.</summary>
    public JwtBody[]? Jwt { get; set => field = value ?? []; }

    /// <summary>Whether the request names the description.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool DescriptionIsSet { get; private set; }
}

/// <summary>Changes a principal.</summary>
internal static class UpdatePrincipalEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = PrincipalFields.Name(exchange);
        var body = await exchange.ReadJson(RestJson.Default.UpdatePrincipalBody, SizeLimits.ControlBody);
        var principal = await PrincipalCommands.Update(exchange, new()
        {
            Caller = exchange.Caller,
            Proof = exchange.Proof,
            Name = name,
            Description = new(body.DescriptionIsSet, body.Description),
            Policies = PrincipalFields.Whole(body.Policies, "policies"),
            Limits = PrincipalFields.Limits(body.Limits),
            Certificates = PrincipalFields.Whole(body.Certificates, "certificates"),
            Jwt = PrincipalFields.Jwt(body.Jwt),
        });
        await exchange.Answer(PrincipalAnswer.Of(principal), RestJson.Default.PrincipalAnswer);
    }
}
