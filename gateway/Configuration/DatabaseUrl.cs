namespace OrleansKms.Gateway.Configuration;

/// <summary>DATABASE_URL: <c>postgres://user:password@host:port/database?sslmode=…</c>.</summary>
internal static class DatabaseUrl
{
    /// <summary>The setting that does without an authenticated server.</summary>
    public const string Insecure = "OKMS_INSECURE_DATABASE_CONNECTION";

    /// <summary>The same for Npgsql. Its password must reach no log.</summary>
    /// <param name="url">The address.</param>
    /// <param name="isInsecure">Whether a server beyond this machine need not prove who it is.</param>
    /// <exception cref="SettingException">The address is wrong; the message does not repeat it, since it holds a password.</exception>
    public static string ToConnectionString(string url, bool isInsecure) =>
        DatabaseAddress.TryRead(url, (Insecure, isInsecure), out var connectionString, out var problem)
            ? connectionString
            : throw new SettingException("DATABASE_URL", problem);
}
