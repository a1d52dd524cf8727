using System.Security.Authentication;
using System.Text.Json;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Verbs;

/// <summary>What went wrong with a call, in one line that says what to do.</summary>
internal static class ServiceFailure
{
    private const string GiveToken = $"Give a token with --token-file FILE, {ClientVariables.TokenFile} or {ClientVariables.Token}.";

    /// <summary>The service refused or failed.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="body">A problem (RFC 9457), if it is ours.</param>
    /// <param name="connection">Whom we asked, and as whom.</param>
    /// <param name="retryAfter">When to ask again, where the service says.</param>
    public static VerbException Of(int status, byte[] body, ServiceConnection connection, TimeSpan? retryAfter = null)
    {
        if (ProblemIn(body) is not { } problem) return NotOurs(connection, null, status);
        var (code, detail) = (problem.Text("code")!, problem.Text("detail") ?? problem.Text("title") ?? "The service refused.");
        if (status is 500 && problem.Text("request_id") is { } request) detail += $" (request {request})";
        return new(code, detail, ExitOf(status), RemedyOf(code, detail, connection)) { RetryAfter = retryAfter };
    }

    /// <summary>Nobody could be asked.</summary>
    public static VerbException Unreachable(HttpRequestException e, ServiceConnection connection, bool isHarmless)
    {
        var what = e.InnerException is AuthenticationException tls
            ? $"{Name(connection)} has no certificate that is trusted here: {tls.Message.TrimEnd('.')}."
            : $"{Name(connection)} cannot be reached: {(e.InnerException ?? e).Message.TrimEnd('.')}.";
        var remedy = e.InnerException is AuthenticationException
            ? $"Name its authority with --ca-file or {ClientVariables.AuthorityFile}."
            : isHarmless ? $"Does it run there? {ClientVariables.Url} or --url names another." : "A change may have been made: look before you repeat it.";
        return new("unreachable", what, ExitCode.Unreachable, remedy, e);
    }

    /// <summary>Nobody took the connection in time.</summary>
    public static VerbException NoConnection(Exception e, ServiceConnection connection) => new(
        "unreachable", $"{Name(connection)} cannot be reached: nobody takes the connection.", ExitCode.Unreachable, $"Does it run there? {ClientVariables.Url} or --url names another.", e);

    /// <summary>Nobody answered in time.</summary>
    public static VerbException NoAnswer(Exception e, ServiceConnection connection, bool isHarmless) => new(
        "no_answer", FormattableString.Invariant($"{Name(connection)} did not answer within {connection.Timeout.TotalSeconds} s."), ExitCode.Unreachable,
        isHarmless ? "Try again, or wait longer with --timeout." : "A change may have been made: look before you repeat it.", e);

    /// <summary>What answered is no such service.</summary>
    public static VerbException NotOurs(ServiceConnection connection, Exception? inner, int? status = null) => new(
        "not_okms", $"{Name(connection)} answered{(status is null ? "" : FormattableString.Invariant($" {status}"))}, but not as this service does.", ExitCode.Unreachable,
        $"Check {ClientVariables.Url} or --url: the service's address, without a path unless a proxy adds one.", inner);

    private static JsonElement? ProblemIn(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var problem = document.RootElement.Clone();
            return problem.Text("type")?.StartsWith("urn:orleans-kms:error:", StringComparison.Ordinal) == true && problem.Text("code") is not null ? problem : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static int ExitOf(int status) => status switch
    {
        401 or 403 => ExitCode.Permission,
        404 => ExitCode.NotFound,
        429 or 503 or 504 => ExitCode.TryLater,
        _ => ExitCode.Refused,
    };

    // The service's own sentence says what is wrong; this is what to type next. Null where that sentence says it already.
    private static string? RemedyOf(string code, string detail, ServiceConnection connection) => code switch
    {
        "unauthenticated" => connection.Authorization is null ? GiveToken : "The token is unknown, expired or revoked, or its principal is disabled: make another with okms token create.",
        "permission_denied" => "See who you are with okms whoami, and why with okms policy simulate.",
        "key_not_found" => "List the keys with okms keys list.",
        "alias_not_found" => "List the aliases with okms alias list.",
        "policy_not_found" => "List the policies with okms policy list.",
        "principal_not_found" => "List the principals with okms principal list.",
        "approval_not_found" => "List what waits with okms approval list.",
        "not_found" when detail != KmsError.NotFound.Title => null,
        "not_found" or "method_not_allowed" => "Is the service's version older than this program's?",
        "key_exists" => "Choose another id, or use that key.",
        "key_disabled" => "Enable it with okms keys enable.",
        "key_pending_deletion" => "To keep it: okms keys cancel-delete, then okms keys enable.",
        "key_pending_import" => "Import its material with okms keys import.",
        "version_not_usable" => "See its versions with okms keys show.",
        "key_exhausted" => "okms keys rotate makes a new version.",
        "wrong_key_usage" => "okms keys show tells what it is for.",
        "not_exportable" => "Only keys created with --exportable leave, and none from an HSM.",
        "invalid_ciphertext" => "Is it whole, and is --aad what it was encrypted with?",
        "payload_too_large" => "okms encrypt-file takes files of any size.",
        "key_corrupted" => "An operator must look at it: okms audit verify --database.",
        "storage_unavailable" or "hsm_unavailable" or "audit_unavailable" or "unavailable" => "okms health tells which part is down.",
        "timeout" => "Read the key before you repeat a change.",
        _ => null,
    };

    private static string Name(ServiceConnection connection) => connection.Address.GetLeftPart(UriPartial.Authority);
}
