using System.Text.Json.Serialization;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Limits;

/// <summary>One limit: how often something may be done in a window of time. In requests and in answers.</summary>
internal sealed class LimitBody
{
    /// <summary>How often, 1 to <see cref="KmsLimits.MaxLimitCount"/>.</summary>
    [JsonRequired]
    public long Count { get; set; }

    /// <summary>The window (ISO 8601), <see cref="KmsLimits.MinLimitWindow"/> to <see cref="KmsLimits.MaxLimitWindow"/>.</summary>
    [JsonRequired]
    public string Per { get; set; } = "";

    /// <summary>What counts: an action such as keys:encrypt, or a group of them; use by default.</summary>
    public string Of { get; set; } = "use";

    /// <summary>The rules in a field; null if it is absent.</summary>
    /// <exception cref="KmsException">invalid_request, invalid_parameter.</exception>
    public static LimitRule[]? ToRules(LimitBody[]? limits) => limits is null ? null : Array.ConvertAll(limits, limit => limit is null
        ? throw KmsError.InvalidRequest.Exception("A limit is null.")
        : new LimitRule(limit.Count, Durations.Parse(limit.Per, "limits.per"), limit.Of));

    /// <summary>Rules for an answer; null if there are none.</summary>
    public static LimitBody[]? FromRules(IReadOnlyList<LimitRule>? rules) => rules is not { Count: > 0 }
        ? null
        : [.. rules.Select(rule => new LimitBody { Count = rule.Count, Per = Iso8601Duration.Format(rule.Per), Of = rule.Of })];
}
