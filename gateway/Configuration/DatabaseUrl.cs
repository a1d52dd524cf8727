using Npgsql;

namespace OrleansKms.Gateway.Configuration;

/// <summary>Turns <c>postgres://user:password@host:port/database?sslmode=…</c> into what Npgsql takes.</summary>
internal static class DatabaseUrl
{
    private const string Name = "DATABASE_URL";

    private static readonly Dictionary<string, SslMode> SslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    /// <summary>The connection string. Its password must reach no log.</summary>
    /// <exception cref="SettingException">The address is wrong; the message does not repeat it, since it holds a password.</exception>
    public static string ToConnectionString(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            throw new SettingException(Name, "must begin with postgres://, for example postgres://user:password@host:5432/database?sslmode=verify-full.");
        }
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.IdnHost.Length > 0 ? uri.IdnHost : throw new SettingException(Name, "names no host."),
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Database = uri.AbsolutePath.Length > 1 ? Uri.UnescapeDataString(uri.AbsolutePath[1..]) : throw new SettingException(Name, "names no database."),
            ApplicationName = "orleans-kms",
        };
        ReadUser(uri, builder);
        ReadQuery(uri, builder);
        return builder.ConnectionString;
    }

    private static void ReadUser(Uri uri, NpgsqlConnectionStringBuilder builder)
    {
        var parts = uri.UserInfo.Split(':', 2);
        if (parts[0].Length == 0) throw new SettingException(Name, "names no user.");
        builder.Username = Uri.UnescapeDataString(parts[0]);
        if (parts.Length == 2) builder.Password = Uri.UnescapeDataString(parts[1]);
    }

    private static void ReadQuery(Uri uri, NpgsqlConnectionStringBuilder builder)
    {
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var value = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
            switch (parts[0])
            {
                case "sslmode":
                    builder.SslMode = SslModes.TryGetValue(value, out var mode)
                        ? mode
                        : throw new SettingException(Name, $"has an sslmode that is not one of {string.Join(", ", SslModes.Keys)}.");
                    break;
                case "sslrootcert":
                    builder.RootCertificate = value;
                    break;
                default:
                    throw new SettingException(Name, "has an unknown option; known are sslmode and sslrootcert.");
            }
        }
    }
}
