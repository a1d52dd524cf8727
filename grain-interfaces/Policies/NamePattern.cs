namespace OrleansKms;

/// <summary>A name, or a prefix and <c>*</c>. Matching is linear in the pattern: there is one star, and it stands at the end.</summary>
internal readonly record struct NamePattern
{
    private readonly string _text;
    private readonly bool _isPrefix;

    /// <summary>Reads a pattern.</summary>
    public NamePattern(string pattern) => (_text, _isPrefix) = pattern.EndsWith('*') ? (pattern[..^1], true) : (pattern, false);

    /// <summary>Whether it matches every name, and also what names none.</summary>
    public bool IsAny => _isPrefix && _text.Length == 0;

    /// <summary>Whether it stands for all names that begin with <see cref="Text"/>, and not for that name alone.</summary>
    public bool IsPrefix => _isPrefix;

    /// <summary>The pattern without its star.</summary>
    public string Text => _text;

    /// <summary>Whether a name matches. What names nothing is matched by <c>*</c> alone.</summary>
    public bool Matches(string? name) =>
        name is null ? IsAny : _isPrefix ? name.StartsWith(_text, StringComparison.Ordinal) : string.Equals(name, _text, StringComparison.Ordinal);
}
