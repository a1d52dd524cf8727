namespace OrleansKms.Grains.Keys.History;

/// <summary>What a change of a key is, and who made it.</summary>
/// <param name="Caller">The caller; the silo itself for what a key does by itself.</param>
/// <param name="Operation">
/// What happened, for example <c>rotate</c>: the part after <c>keys:</c> in the history and the audit trail, or the whole name if it has
/// another prefix.
/// </param>
/// <param name="Version">The version that changed; for an update, the new minimum version that decrypts. Null for none.</param>
/// <param name="Reason">Anything else; null for what the change itself shows.</param>
internal readonly record struct ChangeCause(Caller Caller, string Operation, int? Version = null, string? Reason = null)
{
    /// <summary>The name in the history.</summary>
    public string Action => Operation.Contains(':', StringComparison.Ordinal) ? Operation : $"keys:{Operation}";
}
