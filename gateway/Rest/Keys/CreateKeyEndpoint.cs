using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>A new key. An omitted field takes its default.</summary>
internal sealed class CreateKeyBody
{
    /// <summary>
    /// The id, 1 to <see cref="KmsLimits.IdLength"/> of A-Z a-z 0-9 . _ -, starting and ending in a letter, a digit or _; a UUID by
    /// default.
    /// </summary>
    public string? Id { get; set; }

    /// <summary>The key spec; AES_256_GCM by default.</summary>
    public string? Spec { get; set; }

    /// <summary>What the key may be used for; the spec's default usage by default.</summary>
    public string? Usage { get; set; }

    /// <summary>Free text, up to <see cref="KmsLimits.DescriptionLength"/> characters.</summary>
    public string? Description { get; set; }

    /// <summary>
    /// Up to <see cref="KmsLimits.Tags"/> tags, with names of up to <see cref="KmsLimits.TagNameLength"/> and values of up to
    /// <see cref="KmsLimits.TagValueLength"/> characters.
    /// </summary>
    public Dictionary<string, string>? Tags { get; set; }

    /// <summary>When the key rotates automatically.</summary>
    public RotationBody? Rotation { get; set; }

    /// <summary>Whether the material may be exported, wrapped; false by default.</summary>
    public bool? Exportable { get; set; }

    /// <summary>software (the default) or hsm.</summary>
    public string? Protection { get; set; }

    /// <summary>generated (the default) or external.</summary>
    public string? Origin { get; set; }

    /// <summary>The key's own usage limits: up to <see cref="KmsLimits.LimitRules"/>; none by default.</summary>
    public LimitBody[]? Limits { get; set; }

    /// <summary>Dual control; none by default.</summary>
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

        // An unknown protection is refused below.
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
