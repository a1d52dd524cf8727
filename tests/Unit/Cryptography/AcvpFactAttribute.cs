namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// A test over vectors of NIST's ACVP, which are not shipped. It is skipped, and the run says so, unless <c>OKMS_ACVP</c> names a directory that
/// has them.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AcvpFactAttribute : FactAttribute
{
    /// <summary>Finds out whether the vectors are there.</summary>
    /// <param name="folder">Their folder, as NIST names it.</param>
    public AcvpFactAttribute(string folder) => Skip = AcvpFile.IsThere(folder)
        ? null
        : $"{AcvpFile.DirectoryVariable} names no directory (gen-val/json-files of usnistgov/ACVP-Server) with {folder}: its vectors were NOT tried.";
}
