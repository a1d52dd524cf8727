namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// A test over the certificate of RFC 9909, which is not shipped. It is skipped, and the run says so, unless <c>OKMS_RFC9909</c> names its
/// file.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class Rfc9909FactAttribute : FactAttribute
{
    private const string Variable = "OKMS_RFC9909";

    /// <summary>Finds out whether the certificate is there.</summary>
    public Rfc9909FactAttribute() => Skip = File is not null ? null : $"{Variable} names no file with the certificate of RFC 9909: it was NOT tried.";

    /// <summary>The certificate's file, as PEM; null if none is named.</summary>
    internal static string? File { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } file ? file : null;
}
