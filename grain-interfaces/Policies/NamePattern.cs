namespace OrleansKms;

/// <summary>A name, or a prefix followed by <c>*</c>. Matching is linear in the pattern: it has one star at most, at its end.</summary>
internal readonly record struct NamePattern
{
    private readonly string _text;
    private readonly bool _isPrefix;

    /// <summary>Parses a pattern.</summary>
    public NamePattern(string pattern) => (_text, _isPrefix) = pattern.EndsWith('*') ? (pattern[..^1], true) : (pattern, false);

    /// <summary>Whether it matches every name, and also operations without one.</summary>
    public bool IsAny => _isPrefix && _text.Length == 0;

    /// <summary>Whether it matches all names that begin with <see cref="Text"/>, and not only that one.</summary>
    public bool IsPrefix => _isPrefix;

    /// <summary>The pattern without its star.</summary>
    public string Text => _text;

    /// <summary>Whether it matches a name. Only <c>*</c> matches null.</summary>
    public bool Matches(string? name) =>
        name is null ? IsAny : _isPrefix ? name.StartsWith(_text, StringComparison.Ordinal) : string.Equals(name, _text, StringComparison.Ordinal);
}
