using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>The keys to check.</summary>
internal sealed class ValidateKeysBody
{
    /// <summary>1 to <see cref="KmsLimits.ValidatedKeys"/> ids or aliases.</summary>
    public required string[] Ids { get; set; }
}

/// <summary>The outcome of a validation, in the order of the request.</summary>
internal sealed class ValidateKeysAnswer
{
    /// <summary>One for each id.</summary>
    public required ValidateKeysResult[] Results { get; init; }
}

/// <summary>Whether one key can be used now.</summary>
internal sealed class ValidateKeysResult
{
    /// <summary>The id as the request has it.</summary>
    public required string Id { get; init; }

    /// <summary>Whether the key exists, is enabled and its primary version opens.</summary>
    public required bool Valid { get; init; }

    /// <summary>The key's state, if known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? State { get; init; }

    /// <summary>Why the key cannot be used.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorAnswer? Error { get; init; }
}

/// <summary>Checks many keys at once for whether they can be used.</summary>
internal static class ValidateKeysEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.ValidateKeysBody, SizeLimits.ControlBody * 4);
        if (body.Ids.Length is 0 or > KmsLimits.ValidatedKeys || Array.Exists(body.Ids, id => id is null))
        {
            throw KmsError.InvalidRequest.Exception($"'ids' must have 1 to {KmsLimits.ValidatedKeys} ids.");
        }

        var results = await Task.WhenAll(body.Ids.Select(id => Validate(exchange, id)));
        await exchange.Answer(new ValidateKeysAnswer { Results = results }, RestJson.Default.ValidateKeysAnswer);
    }

    // A key that does not answer is a result too, and must not hide others: each has the whole deadline to itself.
    private static async Task<ValidateKeysResult> Validate(RestExchange exchange, string text)
    {
        try
        {
            var validation = await exchange.Within(KeyCommands.Validate(exchange, text));
            return new ValidateKeysResult
            {
                Id = text,
                Valid = validation.Valid,
                State = validation.State is { } state ? WireNames<KeyState>.Of(state) : null,
                Error = validation.Error is { } code ? ErrorAnswer.Of(KmsError.All.GetValueOrDefault(code, KmsError.Internal)) : null,
            };
        }
        catch (Exception e)
        {
            return new ValidateKeysResult { Id = text, Valid = false, Error = ErrorAnswer.Of(await exchange.FailureOf(e, KmsOperation.ValidateKey, text)) };
        }
    }
}
