namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// A test over files of Wycheproof that are not shipped. It is skipped, and the run says so, unless <c>OKMS_WYCHEPROOF</c> names a directory
/// of them.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WycheproofFactAttribute : FactAttribute
{
    /// <summary>Why such a test is skipped; null where there is a directory.</summary>
    internal static string? WhySkipped { get; } = Environment.GetEnvironmentVariable(WycheproofFile.DirectoryVariable) is null
        ? $"{WycheproofFile.DirectoryVariable} names no testvectors_v1 of C2SP/wycheproof: its vectors were NOT tried."
        : null;

    /// <summary>Finds out whether there is a directory.</summary>
    public WycheproofFactAttribute() => Skip = WhySkipped;
}

/// <summary>The same for a test with parameters.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WycheproofTheoryAttribute : TheoryAttribute
{
    /// <inheritdoc cref="WycheproofFactAttribute()"/>
    public WycheproofTheoryAttribute() => Skip = WycheproofFactAttribute.WhySkipped;
}
