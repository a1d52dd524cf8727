namespace OrleansKms;

/// <summary>
/// An expected failure: the only exception that grains let callers see. <see cref="Code"/> is a key of
/// <see cref="KmsError.All"/>.
/// </summary>
[GenerateSerializer, Alias("okms.KmsException")]
public sealed class KmsException : Exception
{
    /// <summary>Makes the exception of an error.</summary>
    /// <param name="code">The stable code.</param>
    /// <param name="message">A text for the caller, without secrets.</param>
    /// <param name="innerException">The cause, for the log of the process that threw.</param>
    public KmsException(string code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>The stable code of the error.</summary>
    [Id(0)]
    public string Code { get; }

    /// <summary>Whether the silo that threw it has recorded the refusal, so that others that pass it on do not.</summary>
    [Id(1)]
    public bool IsRecorded { get; internal set; }

    /// <summary>How long to wait before retrying; null if unknown.</summary>
    [Id(2)]
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The pending approval, if the operation was not done because it needs one; otherwise null.</summary>
    [Id(3)]
    public ApprovalDescription? Approval { get; init; }

    /// <summary>The error's row in the table; <see cref="KmsError.Internal"/> for a code that a newer silo sent.</summary>
    public KmsError Error => KmsError.All.GetValueOrDefault(Code, KmsError.Internal);
}
