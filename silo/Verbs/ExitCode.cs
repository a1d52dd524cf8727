namespace OrleansKms.Silo.Verbs;

/// <summary>The exit codes of verbs. Scripts rely on them: README.md has the table.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The service refused or failed; or the answer to a question is no: a signature is not valid, a call would be refused.</summary>
    public const int Refused = 1;

    /// <summary>The arguments, a setting or a local file are wrong: nothing was changed.</summary>
    public const int Usage = 2;

    /// <summary>No service was reached, or it did not answer in time.</summary>
    public const int Unreachable = 3;

    /// <summary>The credentials are wrong, or do not suffice (401, 403).</summary>
    public const int Permission = 4;

    /// <summary>There is nothing of this name (404).</summary>
    public const int NotFound = 5;

    /// <summary>The service cannot do it now (429, 503, 504).</summary>
    public const int TryLater = 6;

    /// <summary>Nothing was done yet: the operation waits for approval (202).</summary>
    public const int Pending = 7;

    /// <summary>
    /// Done in part: some records could not be rewrapped; of what is on standard output the end is missing; or the service has done its part,
    /// and its answer could not be written here.
    /// </summary>
    public const int Part = 8;

    /// <summary>A defect of this program: EX_SOFTWARE of sysexits.h.</summary>
    public const int Defect = 70;
}
