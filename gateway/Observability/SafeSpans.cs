using System.Collections.Frozen;
using System.Diagnostics;
using OpenTelemetry;

namespace OrleansKms.Gateway.Observability;

/// <summary>
/// Removes from Orleans' spans what a trace must not hold. They name the caller's and the grain's ids, which of some grains are hashes of
/// tokens or names of principals, and they have the texts of exceptions. What is not known to be harmless goes; of ids, those of keys stay,
/// which log and metrics have, too.
/// </summary>
internal sealed class SafeSpans : BaseProcessor<Activity>
{
    /// <summary>The tag with the id of a key.</summary>
    public const string KeyTag = "okms.key_id";

    private const string OrleansSource = "Microsoft.Orleans.";
    private const string Target = "orleans.rpc.target_id";
    private const string KeyGrain = "key/";

    private static readonly FrozenSet<string> _harmless =
        new[] { "rpc.system.name", "orleans.rpc.service", "rpc.method", "exception.type", KeyTag }.ToFrozenSet(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override void OnEnd(Activity data)
    {
        if (!data.Source.Name.StartsWith(OrleansSource, StringComparison.Ordinal)) return;
        if (data.GetTagItem(Target) is string target && target.StartsWith(KeyGrain, StringComparison.Ordinal))
        {
            data.SetTag(KeyTag, target[KeyGrain.Length..]);
        }

        List<string> others = [];
        foreach (ref readonly var tag in data.EnumerateTagObjects())
        {
            if (!_harmless.Contains(tag.Key)) others.Add(tag.Key);
        }

        foreach (var name in others) data.SetTag(name, null);
    }
}
