using System.Collections.Frozen;

namespace OrleansKms;

/// <summary>
/// The names under which a rule guards operations, and the operations of each. A name guards only its own operations, not others with a
/// similar effect: to keep a key usable, guard <c>disable</c>, <c>destroy</c> and <c>update</c>. What a key does by itself, by its plan or
/// schedule, is guarded where that is set.
/// </summary>
internal static class GuardedOperations
{
    /// <summary>Changes of description, tags, rotation plan, limits and minimum version that decrypts.</summary>
    public const string Update = "update";

    /// <summary>Changes of the rule itself. Changes that weaken it are guarded by any rule, even one without this name.</summary>
    public const string Approval = "approval";

    /// <summary>Imports, by their parameters.</summary>
    public const string Import = "import";

    private static readonly FrozenDictionary<string, KmsOperation[]> _byName = new Dictionary<string, KmsOperation[]>
    {
        ["destroy"] = [KmsOperation.ScheduleDeletion, KmsOperation.ScheduleDestruction],
        ["disable"] = [KmsOperation.DisableKey, KmsOperation.DisableVersion],
        ["enable"] = [KmsOperation.EnableKey, KmsOperation.EnableVersion],
        ["rotate"] = [KmsOperation.RotateKey],
        ["cancel-deletion"] = [KmsOperation.CancelDeletion, KmsOperation.CancelDestruction],
        [Update] = [KmsOperation.UpdateKey],
        [Approval] = [KmsOperation.UpdateKey],
        ["policy"] = [KmsOperation.SetKeyPolicy, KmsOperation.RemoveKeyPolicy],
        ["export"] = [KmsOperation.ExportKey],
        [Import] = [KmsOperation.MakeImportParameters],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>All names, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. _byName.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Whether a rule can have the name.</summary>
    public static bool Exists(string? name) => name is not null && _byName.ContainsKey(name);

    /// <summary>Whether some rule can guard an operation.</summary>
    public static bool Has(KmsOperation operation) => _byName.Values.Any(operations => operations.Contains(operation));

    /// <summary>
    /// Whether an approval only permits an operation, so that its requester gets the answer: an export, and the parameters of an import.
    /// </summary>
    public static bool IsForTheRequester(string operation) =>
        operation == KmsOperation.ExportKey.Name || operation == KmsOperation.MakeImportParameters.Name;

    /// <summary>The names that guard an operation; empty if it is never guarded.</summary>
    public static IEnumerable<string> NamesOf(string operation) =>
        Names.Where(name => _byName[name].Any(row => row.Name == operation));
}
