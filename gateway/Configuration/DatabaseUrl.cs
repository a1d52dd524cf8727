namespace OrleansKms.Gateway.Configuration;

/// <summary>DATABASE_URL: <c>postgres://user:password@host:port/database?sslmode=…</c>.</summary>
internal static class DatabaseUrl
{
    /// <summary>The same for Npgsql. Its password must reach no log.</summary>
    /// <exception cref="SettingException">The address is wrong; the message does not repeat it, since it holds a password.</exception>
    public static string ToConnectionString(string url) =>
        DatabaseAddress.TryRead(url, out var connectionString, out var problem)
            ? connectionString
            : throw new SettingException("DATABASE_URL", problem);
}
