namespace OrleansKms;

/// <summary>A statement, compiled for matching.</summary>
internal sealed class CompiledStatement
{
    private readonly NamePattern[] _keys;
    private readonly CompiledConditions? _when;

    /// <summary>Compiles a statement.</summary>
    /// <param name="policy">The name of its policy.</param>
    /// <param name="index">Its index there.</param>
    /// <param name="statement">The statement, which has passed <see cref="PolicyRules"/>.</param>
    public CompiledStatement(string policy, int index, PolicyStatement statement)
    {
        (Policy, Index, Effect) = (policy, index, statement.Effect);
        _keys = [.. statement.Keys.Select(key => new NamePattern(key))];
        MatchesEveryKey = _keys.Length == 0 || Array.Exists(_keys, key => key.IsAny);
        _when = statement is { When: null, Principals: null } ? null : new(statement.When ?? new(), statement.Principals);
    }

    /// <summary>The name of its policy.</summary>
    public string Policy { get; }

    /// <summary>Its index there.</summary>
    public int Index { get; }

    /// <summary>What it does when it matches.</summary>
    public PolicyEffect Effect { get; }

    /// <summary>Whether it applies to every key, and to operations without one.</summary>
    public bool MatchesEveryKey { get; }

    /// <summary>Whether it depends on more than operation and key.</summary>
    public bool IsConditional => _when is not null;

    /// <summary>The keys it applies to; empty if that is every key.</summary>
    public IReadOnlyList<NamePattern> Keys => MatchesEveryKey ? [] : _keys;

    /// <summary>Whether it applies to a key, or to an operation without one.</summary>
    public bool IsAbout(string? keyId)
    {
        if (MatchesEveryKey) return true;
        foreach (var key in _keys)
        {
            if (key.Matches(keyId)) return true;
        }

        return false;
    }

    /// <summary>Evaluates its conditions.</summary>
    public ConditionResult Holds(in AccessContext context) => _when is null ? ConditionResult.Holds : _when.Hold(context);
}
