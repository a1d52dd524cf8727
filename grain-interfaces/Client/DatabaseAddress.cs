using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Npgsql;

namespace OrleansKms;

/// <summary>Turns <c>postgres://user:password@host:port/database?sslmode=…</c> into an Npgsql connection string.</summary>
internal static class DatabaseAddress
{
    private static readonly Dictionary<string, SslMode> _sslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    // Not by name, which may resolve to anything: localhost becomes the address that it stands for.
    private const string LocalName = "localhost";

    /// <summary>Reads an address.</summary>
    /// <param name="url">The address; may be anything.</param>
    /// <param name="insecure">
    /// The setting that lets a server beyond this machine go without proving its identity, and whether it is on. Otherwise only
    /// this machine can be reached without <c>sslmode=verify-full</c>.
    /// </param>
    /// <param name="connectionString">The connection string. Its password must not reach a log.</param>
    /// <param name="problem">
    /// What is wrong; completes a sentence, and does not repeat the address, which holds a password.
    /// </param>
    public static bool TryRead(
        string url, (string Name, bool IsOn) insecure, [NotNullWhen(true)] out string? connectionString, [NotNullWhen(false)] out string? problem)
    {
        connectionString = null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            problem = "must begin with postgres:// and name one host, for example postgres://user:password@host:5432/database?sslmode=verify-full.";
            return false;
        }

        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.IdnHost,
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            ApplicationName = "orleans-kms",

            // Where Npgsql finds a Kerberos ticket it prefers Kerberos encryption, and then skips TLS and what sslmode asks for.
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        problem = ReadUser(uri, builder) ?? ReadQuery(uri, builder) ?? RequireParts(builder) ?? Secure(builder, insecure);
        if (problem is null) connectionString = builder.ConnectionString;
        return connectionString is not null;
    }

    private static string? ReadUser(Uri uri, NpgsqlConnectionStringBuilder builder)
    {
        var user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0) builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length == 2) builder.Password = Uri.UnescapeDataString(user[1]);
        return null;
    }

    private static string? ReadQuery(Uri uri, NpgsqlConnectionStringBuilder builder)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var value = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
            if (!seen.Add(parts[0])) return "has an option twice.";
            if (ReadOption(parts[0], value, uri.IdnHost.Length == 0, builder) is { } problem) return problem;
        }

        // Npgsql checks the authority only with these modes, and whoever names an authority wants the server checked.
        return builder.RootCertificate is not null && builder.SslMode is not (SslMode.VerifyCA or SslMode.VerifyFull)
            ? "has an sslrootcert, which only the sslmodes verify-ca and verify-full check."
            : null;
    }

    private static string? ReadOption(string name, string value, bool isWithoutHost, NpgsqlConnectionStringBuilder builder)
    {
        switch (name)
        {
            case "sslmode" when _sslModes.TryGetValue(value, out var mode):
                builder.SslMode = mode;
                return null;
            case "sslmode":
                return $"has an sslmode that is not one of {string.Join(", ", _sslModes.Keys)}.";
            case "sslrootcert":
                builder.RootCertificate = value;
                return null;

            // As in libpq for sockets, whose addresses have no authority:
            // postgres:///database?host=/directory&port=5432&user=name
            case "host" when isWithoutHost && value.StartsWith('/') && !value.Contains(','):
                builder.Host = value;
                return null;
            case "host":
                return "has an option host, which may only be the directory of a Unix socket, in an address without a host.";
            case "port" when isWithoutHost && ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0:
                builder.Port = port;
                return null;
            case "user" when builder.Username is null && value.Length > 0:
                builder.Username = value;
                return null;
            default:
                return "has an unknown option; known are sslmode, sslrootcert and, for a Unix socket, host, port and user.";
        }
    }

    private static string? RequireParts(NpgsqlConnectionStringBuilder builder) => builder switch
    {
        { Host: null or "" } => "names no host.",
        { Database: null or "" } => "names no database.",
        { Username: null or "" } => "names no user.",
        _ => null,
    };

    // Npgsql's own default encrypts only if the server agrees, and does not check who that is: a man in the middle answers that
    // there is no TLS, and gets the password's proof and every statement.
    private static string? Secure(NpgsqlConnectionStringBuilder builder, (string Name, bool IsOn) insecure)
    {
        if (builder.SslMode == SslMode.VerifyFull)
        {
            return insecure.IsOn ? $"has sslmode=verify-full, which contradicts {insecure.Name}: remove one of the two." : null;
        }

        if (builder.Host == LocalName) builder.Host = IPAddress.Loopback.ToString();
        return insecure.IsOn || IsThisMachine(builder.Host!)
            ? null
            : $"needs sslmode=verify-full beyond this machine: without it, anyone on the way can pose as Postgres. {insecure.Name}=true does without.";
    }

    private static bool IsThisMachine(string host) =>
        host.StartsWith('/') || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
