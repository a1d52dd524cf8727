namespace OrleansKms;

/// <summary>A statement ready to be matched.</summary>
internal sealed class CompiledStatement
{
    private readonly NamePattern[] _keys;
    private readonly CompiledConditions? _when;

    /// <summary>Compiles a statement.</summary>
    /// <param name="policy">The name of its policy.</param>
    /// <param name="index">Its place there, from 0.</param>
    /// <param name="statement">The statement, which <see cref="PolicyRules"/> has passed.</param>
    public CompiledStatement(string policy, int index, PolicyStatement statement)
    {
        (Policy, Index, Effect) = (policy, index, statement.Effect);
        _keys = [.. statement.Keys.Select(key => new NamePattern(key))];
        MatchesEveryKey = _keys.Length == 0 || Array.Exists(_keys, key => key.IsAny);
        _when = statement is { When: null, Principals: null } ? null : new(statement.When ?? new(), statement.Principals);
    }

    /// <summary>The name of its policy.</summary>
    public string Policy { get; }

    /// <summary>Its place there, from 0.</summary>
    public int Index { get; }

    /// <summary>What it does with what it matches.</summary>
    public PolicyEffect Effect { get; }

    /// <summary>Whether it is about every key, and about what names none.</summary>
    public bool MatchesEveryKey { get; }

    /// <summary>Whether it depends on more than operation and key.</summary>
    public bool IsConditional => _when is not null;

    /// <summary>The keys that it is about; nothing where that is every one.</summary>
    public IReadOnlyList<NamePattern> Keys => MatchesEveryKey ? [] : _keys;

    /// <summary>Whether it is about a key, or about what names none.</summary>
    public bool IsAbout(string? keyId)
    {
        if (MatchesEveryKey) return true;
        foreach (var key in _keys)
        {
            if (key.Matches(keyId)) return true;
        }

        return false;
    }

    /// <summary>Whether what it demands besides holds.</summary>
    public ConditionResult Holds(in AccessContext context) => _when is null ? ConditionResult.Holds : _when.Hold(context);
}
