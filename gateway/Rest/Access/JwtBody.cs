namespace OrleansKms.Gateway.Rest.Access;

/// <summary>The identity in a JWT. In requests and in answers.</summary>
internal sealed class JwtBody
{
    /// <summary>The claim iss; one of the issuers that the gateways trust.</summary>
    public required string Issuer { get; set; }

    /// <summary>The claim sub.</summary>
    public required string Subject { get; set; }
}
