namespace OrleansKms.Grains.Keys.Activation;

/// <summary>The outcome of an attempt at an operation.</summary>
internal enum OutcomeKind
{
    /// <summary>An answer, which may leave.</summary>
    Answer,

    /// <summary>A refusal, which may leave.</summary>
    Refusal,

    /// <summary>
    /// An answer or a refusal based on a row that has changed since. It does not leave; the operation runs again.
    /// </summary>
    Outdated,

    /// <summary>Another activation wrote first. Nothing was done; the operation runs again.</summary>
    LostRace,

    /// <summary>A new version needs material that takes long to make. Nothing was done; it is made, and the operation runs again.</summary>
    MaterialNotReady,
}

/// <summary>The outcome of an attempt at an operation, with its answer or refusal.</summary>
/// <typeparam name="T">The answer.</typeparam>
internal readonly struct Outcome<T>
{
    private readonly T? _answer;

    private Outcome(OutcomeKind kind, T? answer, KmsException? refusal)
    {
        Kind = kind;
        _answer = answer;
        Refusal = refusal;
    }

    public static Outcome<T> Outdated => new(OutcomeKind.Outdated, default, null);

    public static Outcome<T> LostRace => new(OutcomeKind.LostRace, default, null);

    public static Outcome<T> MaterialNotReady => new(OutcomeKind.MaterialNotReady, default, null);

    public OutcomeKind Kind { get; }

    /// <summary>The refusal; null for anything else.</summary>
    public KmsException? Refusal { get; }

    public static Outcome<T> Answered(T answer) => new(OutcomeKind.Answer, answer, null);

    public static Outcome<T> Refused(KmsException refusal) => new(OutcomeKind.Refusal, default, refusal);

    /// <summary>The answer.</summary>
    /// <exception cref="KmsException">It was refused.</exception>
    public T AnswerOrThrow() => Kind switch
    {
        OutcomeKind.Answer => _answer!,
        OutcomeKind.Refusal => throw Refusal!,
        _ => throw new InvalidOperationException("internal error: the attempt is to be repeated."),
    };
}
