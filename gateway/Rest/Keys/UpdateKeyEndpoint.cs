using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>A change of a key: an omitted field stays as it is, and null clears.</summary>
internal sealed class UpdateKeyBody
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

    /// <summary>All tags; they replace the old ones.</summary>
    public Dictionary<string, string>? Tags
    {
        get;
        set
        {
            field = value;
            TagsAreSet = true;
        }
    }

    /// <summary>When the key rotates automatically.</summary>
    public RotationBody? Rotation
    {
        get;
        set
        {
            field = value;
            RotationIsSet = true;
        }
    }

    /// <summary>The key's own usage limits: up to <see cref="KmsLimits.LimitRules"/>, which replace the old ones.</summary>
    public LimitBody[]? Limits
    {
        get;
        set
        {
            field = value;
            LimitsAreSet = true;
        }
    }

    /// <summary>Dual control.</summary>
    public ApprovalRuleBody? Approval
    {
        get;
        set
        {
            field = value;
            ApprovalIsSet = true;
        }
    }

    /// <summary>The minimum version that decrypts, 1 to the primary version.</summary>
    [JsonPropertyName("min_decrypt_version")]
    public int? MinDecryptVersion
    {
        get;
        set
        {
            field = value ?? throw KmsError.InvalidParameter.Exception("'min_decrypt_version' cannot be cleared; 1 lets every version decrypt.");
        }
    }

    /// <summary>Whether the request names the description.</summary>
    [JsonIgnore]
    public bool DescriptionIsSet { get; private set; }

    /// <summary>Whether the request names the tags.</summary>
    [JsonIgnore]
    public bool TagsAreSet { get; private set; }

    /// <summary>Whether the request names the rotation plan.</summary>
    [JsonIgnore]
    public bool RotationIsSet { get; private set; }

    /// <summary>Whether the request names the limits.</summary>
    [JsonIgnore]
    public bool LimitsAreSet { get; private set; }

    /// <summary>Whether the request names dual control.</summary>
    [JsonIgnore]
    public bool ApprovalIsSet { get; private set; }
}

/// <summary>Changes description, tags, rotation plan, limits, dual control or the minimum version that decrypts.</summary>
internal static class UpdateKeyEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.UpdateKeyBody, SizeLimits.ControlBody);
        var key = await KeyCommands.Update(exchange, id, new UpdateKey
        {
            Caller = exchange.Caller,
            Description = new(body.DescriptionIsSet, body.Description),
            Tags = new(body.TagsAreSet, TagFields.Check(body.Tags)),
            Rotation = new(body.RotationIsSet, body.Rotation?.ToPlan()),
            MinDecryptVersion = body.MinDecryptVersion,
            Limits = new(body.LimitsAreSet, LimitBody.ToRules(body.Limits)),
            Approval = new(body.ApprovalIsSet, body.Approval?.ToRule()),
        });
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer);
    }
}
