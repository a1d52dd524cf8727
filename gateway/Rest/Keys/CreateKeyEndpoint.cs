using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>A new key. An omitted field takes its default.</summary>
internal sealed class CreateKeyBody
{
    /// <summary>The id, 1 to 128 of A-Z a-z 0-9 . _ -, starting and ending in a letter, a digit or _; by default a UUID.</summary>
    public string? Id { get; set; }

    /// <summary>The key spec; by default AES_256_GCM.</summary>
    public string? Spec { get; set; }

    /// <summary>What the key may be used for; the spec's default usage by default.</summary>
    public string? Usage { get; set; }

    /// <summary>A text for people, up to 1,024 characters.</summary>
    public string? Description { get; set; }

    /// <summary>Up to 50 tags, names up to 128 and values up to 256 characters.</summary>
    public Dictionary<string, string>? Tags { get; set; }

    /// <summary>When the key rotates automatically.</summary>
    public RotationBody? Rotation { get; set; }

    /// <summary>Whether the material may be exported, wrapped; false by default.</summary>
    public bool? Exportable { get; set; }

    /// <summary>software (the default) or hsm.</summary>
    public string? Protection { get; set; }

    /// <summary>generated (the default) or external.</summary>
    public string? Origin { get; set; }

    /// <summary>How often the key may be used: up to 8 limits; by default none.</summary>
    public LimitBody[]? Limits { get; set; }

    /// <summary>Dual control; by default none.</summary>
    public ApprovalRuleBody? Approval { get; set; }
}

/// <summary>Creates a key.</summary>
internal static class CreateKeyEndpoint
{
    private static readonly string _hsm = WireNames<KeyProtection>.Of(KeyProtection.Hsm);

    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadOptionalJson(RestJson.Default.CreateKeyBody, SizeLimits.ControlBody);
        // Version 7 begins with the time, so that keys made one after another are adjacent in the index.
        var id = body.Id ?? Guid.CreateVersion7(exchange.Services.Time.GetUtcNow()).ToString();
        if (!KeyId.IsValid(id))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        // What is none of the protections is refused below.
        var facts = new KeyFacts(body.Spec ?? CreateKey.DefaultSpec, body.Protection == _hsm ? KeyProtection.Hsm : KeyProtection.Software);
        await exchange.FindKey(id, facts);
        var key = await KeyCommands.Create(exchange, id, ToRequest(body, exchange.Caller));
        exchange.Http.Response.Headers.Location = "/v1/keys/" + id;
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer, StatusCodes.Status201Created);
    }

    private static CreateKey ToRequest(CreateKeyBody body, Caller caller)
    {
        var request = new CreateKey
        {
            Caller = caller,
            Usage = WireNames<KeyUsage>.Parse(body.Usage, "usage"),
            Description = body.Description,
            Tags = TagFields.Check(body.Tags),
            Rotation = body.Rotation?.ToPlan(),
            Exportable = body.Exportable ?? false,
            Protection = WireNames<KeyProtection>.Parse(body.Protection, "protection") ?? KeyProtection.Software,
            Origin = WireNames<KeyOrigin>.Parse(body.Origin, "origin") ?? KeyOrigin.Generated,
            Limits = LimitBody.ToRules(body.Limits),
            Approval = body.Approval?.ToRule(),
        };
        return body.Spec is null ? request : request with { Spec = body.Spec };
    }
}
