namespace OrleansKms.Silo.Verbs;

/// <summary>A verb ends without having done its work.</summary>
/// <param name="code">The service's error code, or one of this program: <c>usage</c>, <c>unreachable</c>, …</param>
/// <param name="what">A sentence that says what is wrong. Never a token or another secret.</param>
/// <param name="exitCode">One of <see cref="Verbs.ExitCode"/>.</param>
/// <param name="remedy">A sentence that says what to do.</param>
/// <param name="inner">Why.</param>
internal sealed class VerbException(string code, string what, int exitCode, string? remedy = null, Exception? inner = null)
    : Exception(what, inner)
{
    /// <summary>The code.</summary>
    public string Code { get; } = code;

    /// <summary>The process's exit code.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>After which time the service wants to be asked again; null where it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The one line that users see, without control characters.</summary>
    public string Line => TerminalText.Clean(remedy is null ? $"okms: {Code}: {Message}" : $"okms: {Code}: {Message} {remedy}");

    /// <summary>The same, of one thing among several that were named.</summary>
    /// <param name="what">The beginning of the sentence, which the reason follows after a colon.</param>
    /// <param name="otherRemedy">What to do, if it is another thing.</param>
    public VerbException Of(string what, string? otherRemedy = null) => new(Code, $"{what}: {Message}", ExitCode, otherRemedy ?? remedy, this) { RetryAfter = RetryAfter };

    /// <summary>The call of the program is wrong.</summary>
    public static VerbException Usage(string what, string? remedy = null, Exception? inner = null) => new("usage", what, Verbs.ExitCode.Usage, remedy, inner);
}
