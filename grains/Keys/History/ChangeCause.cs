namespace OrleansKms.Grains.Keys.History;

/// <summary>What a change of a key is, and who brought it about.</summary>
/// <param name="Caller">Who asked for it; the silo itself for what a key does by itself.</param>
/// <param name="Operation">
/// What happened, for example <c>rotate</c>: what follows <c>keys:</c> in the history and in the audit trail; or the whole name, where
/// it is none of those.
/// </param>
/// <param name="Version">The version that was changed; of an update, the one that is now the least that decrypts. Null for none.</param>
/// <param name="Reason">What else there is to say; null for what the change itself shows.</param>
internal readonly record struct ChangeCause(Caller Caller, string Operation, int? Version = null, string? Reason = null)
{
    /// <summary>The name in the history.</summary>
    public string Action => Operation.Contains(':', StringComparison.Ordinal) ? Operation : $"keys:{Operation}";
}
