using System.Net;
using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Policies;

/// <summary>A hypothetical call.</summary>
internal sealed class SimulateBody
{
    /// <summary>The principal who would make it.</summary>
    public required string Principal { get; set; }

    /// <summary>An operation, for example keys:encrypt.</summary>
    public required string Action { get; set; }

    /// <summary>The key's id.</summary>
    [JsonPropertyName("key_id")]
    public string? KeyId { get; set; }

    /// <summary>What conditions look at.</summary>
    public SimulatedContextBody? Context { get; set; }
}

/// <summary>What conditions look at; omitted values are absent.</summary>
internal sealed class SimulatedContextBody
{
    /// <summary>The call's source address.</summary>
    public string? Source { get; set; }

    /// <summary>The call's time, RFC 3339; now by default.</summary>
    public string? Time { get; set; }

    /// <summary>Its associated data.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>The kind of its ciphertext: data, data_key or data_key_pair.</summary>
    public string? Kind { get; set; }

    /// <summary>The key's spec, if the key does not exist.</summary>
    public string? Spec { get; set; }

    /// <summary>The key's protection, if the key does not exist: software (the default) or hsm.</summary>
    public string? Protection { get; set; }

    /// <summary>How the principal signs in: token (the default), jwt or certificate. What a silo verifies itself takes a token.</summary>
    public string? Credential { get; set; }
}

/// <summary>The decision of policies.</summary>
internal sealed class SimulateAnswer
{
    /// <summary>Whether the call would be allowed.</summary>
    public required bool Allowed { get; init; }

    /// <summary>The deciding statements; empty if nothing allows it.</summary>
    public required ReasonAnswer[] Because { get; init; }
}

/// <summary>A deciding statement.</summary>
internal sealed class ReasonAnswer
{
    /// <summary>The policy; key: and an id for a key's own.</summary>
    public required string Policy { get; init; }

    /// <summary>Its index in the policy; absent if a key's own policy has no matching allow statement.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Statement { get; init; }

    /// <summary>allow or deny.</summary>
    public required string Effect { get; init; }
}

/// <summary>Explains what policies would decide.</summary>
internal static class SimulateEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.SimulateBody, SizeLimits.ControlBody);
        var context = body.Context ?? new();
        if (context.Source is { } source && !IPAddress.TryParse(source, out _)) throw KmsError.InvalidParameter.Exception("'source' must be an IP address.");
        if (context.Credential is not (null or "token" or "jwt" or "certificate")) throw KmsError.InvalidParameter.Exception("'credential' must be token, jwt or certificate.");
        Checks.OfAssociatedData(context.AssociatedData).Refuse();
        var simulated = await PolicyCommands.Simulate(exchange, new()
        {
            Caller = exchange.Caller,
            Principal = body.Principal,
            Action = body.Action,
            KeyId = body.KeyId,
            Source = context.Source,
            Time = PolicyConditionsBody.Time(context.Time, "time"),
            AssociatedData = context.AssociatedData,
            Kind = WireNames<CiphertextKind>.Parse(context.Kind, "kind") ?? CiphertextKind.None,
            Spec = context.Spec,
            WithoutToken = context.Credential is "jwt" or "certificate",
            Protection = WireNames<KeyProtection>.Parse(context.Protection, "protection") ?? KeyProtection.Software,
        });
        await exchange.Answer(
            new SimulateAnswer
            {
                Allowed = simulated.Allowed,
                Because = Array.ConvertAll(simulated.Because, reason => new ReasonAnswer
                {
                    Policy = reason.Policy,
                    Statement = reason.Statement,
                    Effect = WireNames<PolicyEffect>.Of(reason.Effect),
                }),
            },
            RestJson.Default.SimulateAnswer);
    }
}
