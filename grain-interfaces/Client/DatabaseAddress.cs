using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace OrleansKms;

/// <summary>Turns <c>postgres://user:password@host:port/database?sslmode=…</c> into what Npgsql takes.</summary>
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

    /// <summary>Reads an address.</summary>
    /// <param name="url">The address; may be anything.</param>
    /// <param name="connectionString">The connection string. Its password must reach no log.</param>
    /// <param name="problem">
    /// What is wrong, as the rest of a sentence; it does not repeat the address, which holds a password.
    /// </param>
    public static bool TryRead(string url, [NotNullWhen(true)] out string? connectionString, [NotNullWhen(false)] out string? problem)
    {
        connectionString = null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            problem = "must begin with postgres://, for example postgres://user:password@host:5432/database?sslmode=verify-full.";
            return false;
        }

        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.IdnHost,
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            ApplicationName = "orleans-kms",
        };
        problem = ReadParts(uri, builder) ?? ReadQuery(uri, builder);
        if (problem is null) connectionString = builder.ConnectionString;
        return connectionString is not null;
    }

    private static string? ReadParts(Uri uri, NpgsqlConnectionStringBuilder builder)
    {
        var user = uri.UserInfo.Split(':', 2);
        if (uri.IdnHost.Length == 0) return "names no host.";
        if (uri.AbsolutePath.Length <= 1) return "names no database.";
        if (user[0].Length == 0) return "names no user.";
        builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length == 2) builder.Password = Uri.UnescapeDataString(user[1]);
        return null;
    }

    private static string? ReadQuery(Uri uri, NpgsqlConnectionStringBuilder builder)
    {
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var value = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
            switch (parts[0])
            {
                case "sslmode" when _sslModes.TryGetValue(value, out var mode):
                    builder.SslMode = mode;
                    break;
                case "sslmode":
                    return $"has an sslmode that is not one of {string.Join(", ", _sslModes.Keys)}.";
                case "sslrootcert":
                    builder.RootCertificate = value;
                    break;
                default:
                    return "has an unknown option; known are sslmode and sslrootcert.";
            }
        }

        // Npgsql asks the authority only then; whoever names one means to have the server checked.
        return builder.RootCertificate is not null && builder.SslMode is not (SslMode.VerifyCA or SslMode.VerifyFull)
            ? "has an sslrootcert, which only the sslmodes verify-ca and verify-full hold the server against."
            : null;
    }
}
