using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>A new key. An omitted field takes its default.</summary>
internal class CreateKeyItem
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

    /// <summary>Whether no field was given.</summary>
    [JsonIgnore]
    public bool IsEmpty => this is
    {
        Id: null, Spec: null, Usage: null, Description: null, Tags: null, Rotation: null, Exportable: null, Protection: null, Origin: null,
        Limits: null, Approval: null,
    };
}

/// <summary>One new key, or <c>items</c> of them.</summary>
internal sealed class CreateKeyBody : CreateKeyItem
{
    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> keys instead of one; each is created or fails by itself.</summary>
    [DisallowNull]
    public BatchOf<CreateKeyItem>? Items { get; set; }
}

/// <summary>The outcome of creating many keys.</summary>
internal sealed class CreateKeysAnswer
{
    /// <summary>One for each item, in order.</summary>
    public required ListedKey[] Results { get; init; }
}

/// <summary>Creates a key, or many.</summary>
internal static class CreateKeyEndpoint
{
    // Of one request: as many as one batch of the database takes. Those of many requests wait here, and not there.
    private const int AtOnce = 64;

    private static readonly string _hsm = WireNames<KeyProtection>.Of(KeyProtection.Hsm);

    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadOptionalJson(RestJson.Default.CreateKeyBody, SizeLimits.CreateKeysBody);
        if (body.Items is { } items)
        {
            await CreateMany(exchange, body, items);
            return;
        }

        var id = IdOf(exchange, body);
        if (!KeyId.IsValid(id))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        await exchange.FindKey(id, FactsOf(body));
        var key = await KeyCommands.Create(exchange, id, ToRequest(body, exchange.Caller));
        exchange.Http.Response.Headers.Location = "/v1/keys/" + id;
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer, StatusCodes.Status201Created);
    }

    private static async Task CreateMany(RestExchange exchange, CreateKeyBody body, BatchOf<CreateKeyItem> items)
    {
        if (!body.IsEmpty)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong in each item.");
        }

        if (items.Count == 0 || items.Any(item => item is null))
        {
            throw KmsError.InvalidRequest.Exception($"'items' must have 1 to {KmsLimits.BatchItems} keys.");
        }

        using var places = new SemaphoreSlim(AtOnce);
        var results = await Task.WhenAll(items.Select(item => CreateOne(exchange, item, places)));
        await exchange.Answer(new CreateKeysAnswer { Results = results }, RestJson.Default.CreateKeysAnswer);
    }

    // One key without an answer must not take down the others, so each has the whole deadline to itself. Those whose turn comes after it are
    // not created.
    private static async Task<ListedKey> CreateOne(RestExchange exchange, CreateKeyItem item, SemaphoreSlim places)
    {
        var id = IdOf(exchange, item);
        Exception failure;
        await places.WaitAsync();
        try
        {
            return new ListedKey(id, KeyAnswer.Of(await exchange.Within(Create())), null);
        }
        catch (Exception e)
        {
            failure = e;
        }
        finally
        {
            places.Release();
        }

        // All at once, and in no place: a trail that is slow costs the request its patience once, and not for each place again.
        return new ListedKey(id, null, ErrorAnswer.Of(await exchange.FailureOf(failure, KmsOperation.CreateKey, id)));

        async Task<KeyDescription> Create()
        {
            if (exchange.Remaining == TimeSpan.Zero) throw KmsError.Timeout.Exception();
            if (!KeyId.IsValid(id)) throw KmsError.InvalidKeyId.Exception();
            await exchange.ResolveKey(id, KmsOperation.CreateKey, FactsOf(item));
            return await KeyCommands.Create(exchange, id, ToRequest(item, exchange.Caller));
        }
    }

    // Version 7 begins with the time, so that keys made one after another are adjacent in the index.
    private static string IdOf(RestExchange exchange, CreateKeyItem item) =>
        item.Id ?? Guid.CreateVersion7(exchange.Services.Time.GetUtcNow()).ToString();

    // An unknown protection is refused when the request is made.
    private static KeyFacts FactsOf(CreateKeyItem item) =>
        new(item.Spec ?? CreateKey.DefaultSpec, item.Protection == _hsm ? KeyProtection.Hsm : KeyProtection.Software);

    private static CreateKey ToRequest(CreateKeyItem body, Caller caller)
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
