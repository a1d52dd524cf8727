namespace OrleansKms;

/// <summary>Whether conditions hold.</summary>
internal enum ConditionResult
{
    /// <summary>At least one does not hold.</summary>
    Fails,

    /// <summary>All hold.</summary>
    Holds,

    /// <summary>It depends on the message, which is not known yet.</summary>
    DependsOnMessage,

    /// <summary>It depends on the key's facts, which are not known yet.</summary>
    DependsOnKey,
}

/// <summary>The conditions of a statement, compiled so that evaluating them allocates nothing.</summary>
internal sealed class CompiledConditions
{
    private readonly NamePattern[]? _principals;
    private readonly NetworkRange[]? _source;
    private readonly DateTimeOffset? _notBefore;
    private readonly DateTimeOffset? _notAfter;
    private readonly byte[]? _associatedDataPrefix;
    private readonly CiphertextKind? _kind;
    private readonly KeyProtection? _protection;
    private readonly string[]? _specs;

    /// <summary>Compiles conditions that have passed <see cref="PolicyRules"/>.</summary>
    public CompiledConditions(PolicyConditions when, IReadOnlyList<string>? principals)
    {
        _principals = principals?.Select(principal => new NamePattern(principal)).ToArray();
        _source = when.Source?.Select(Range).ToArray();
        (_notBefore, _notAfter) = (when.NotBefore, when.NotAfter);
        (_associatedDataPrefix, _kind) = (when.AssociatedDataPrefix, when.Kind);
        (_protection, _specs) = (when.Protection, when.Specs?.ToArray());
    }

    /// <summary>Evaluates all of them. One that is known to fail decides, whatever else is unknown.</summary>
    public ConditionResult Hold(in AccessContext context)
    {
        if ((_principals is not null && !MatchesPrincipal(context.Principal))
            || (_source is not null && !LiesInSource(context.Source))
            || context.Now < _notBefore || context.Now > _notAfter)
        {
            return ConditionResult.Fails;
        }

        var message = OfMessage(context);
        var key = OfKey(context);
        return message == ConditionResult.Fails || key == ConditionResult.Fails ? ConditionResult.Fails
            : message == ConditionResult.Holds ? key
            : message;
    }

    private ConditionResult OfMessage(in AccessContext context)
    {
        if (_associatedDataPrefix is null && _kind is null) return ConditionResult.Holds;
        if (!context.HasMessage) return ConditionResult.DependsOnMessage;
        return (_kind is null || context.Kind == _kind)
            && (_associatedDataPrefix is null || (context.AssociatedData is { } data && data.AsSpan().StartsWith(_associatedDataPrefix)))
            ? ConditionResult.Holds
            : ConditionResult.Fails;
    }

    private ConditionResult OfKey(in AccessContext context)
    {
        if (_protection is null && _specs is null) return ConditionResult.Holds;
        if (context.Key is not { } key) return ConditionResult.DependsOnKey;
        return (_protection is null || key.Protection == _protection) && (_specs is null || Array.IndexOf(_specs, key.Spec) >= 0)
            ? ConditionResult.Holds
            : ConditionResult.Fails;
    }

    private bool MatchesPrincipal(string? principal)
    {
        foreach (var pattern in _principals!)
        {
            if (pattern.Matches(principal)) return true;
        }

        return false;
    }

    private bool LiesInSource(System.Net.IPAddress? address)
    {
        if (address is null) return false;
        foreach (var range in _source!)
        {
            if (range.Contains(address)) return true;
        }

        return false;
    }

    // Stored policies were checked: a network that cannot be parsed must not silently match nobody.
    private static NetworkRange Range(string text) => NetworkRange.TryParse(text, out var range)
        ? range
        : throw new InvalidOperationException($"Internal error: a stored policy names the network '{text}'.");
}
