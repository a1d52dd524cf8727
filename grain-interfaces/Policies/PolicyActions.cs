using System.Collections.Frozen;

namespace OrleansKms;

/// <summary>What statements can name as actions: each row of <see cref="KmsOperation"/>, each group, and everything.</summary>
internal static class PolicyActions
{
    /// <summary>Every operation.</summary>
    public const string Everything = "*";

    private static readonly FrozenDictionary<string, KmsOperation[]> _byName = Names()
        .ToFrozenDictionary(named => named.Name, named => named.Operations, StringComparer.Ordinal);

    /// <summary>The operations of an action; empty if there is no such action.</summary>
    public static IReadOnlyList<KmsOperation> Of(string action) => _byName.GetValueOrDefault(action, []);

    /// <summary>Whether there is such an action.</summary>
    public static bool Exists(string action) => _byName.ContainsKey(action);

    /// <summary>A group's name in statements.</summary>
    public static string NameOf(KmsOperationGroup group) => group.ToString().ToLowerInvariant();

    private static IEnumerable<(string Name, KmsOperation[] Operations)> Names() =>
    [
        (Everything, [.. KmsOperation.All.Values]),
        .. Enum.GetValues<KmsOperationGroup>().Select(group => (NameOf(group), KmsOperation.All.Values.Where(row => row.Group == group).ToArray())),
        .. KmsOperation.All.Values.Select(row => (row.Name, new[] { row })),
    ];
}
