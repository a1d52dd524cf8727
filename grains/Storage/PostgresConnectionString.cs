using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>The connection string of a cluster's database, with what this program needs of a connection where the string leaves it open.</summary>
internal static class PostgresConnectionString
{
    // Postgres allows 100 connections by default; the silos of a small cluster fit into that.
    private const int MaxConnections = 30;

    // More than the statements of the database and of the providers, so that none evicts another. A start refuses a pooler that shares
    // sessions, in which prepared statements would be lost.
    private const int MaxPrepared = 64;

    // Seconds.
    private const int Patience = 5;

    // A silo whose machine is lost in the middle of a transaction must not hold its locks until the kernel gives up on it.
    private const string ServerOptions =
        "-c idle_in_transaction_session_timeout=10s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";

    /// <summary>Completes it.</summary>
    /// <param name="connectionString">As the operator wrote it, whose settings prevail.</param>
    /// <exception cref="StartRefusedException">It is malformed.</exception>
    public static NpgsqlConnectionStringBuilder Complete(string connectionString)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            builder.ApplicationName ??= "orleanskms";
            if (!builder.ShouldSerialize("Maximum Pool Size")) builder.MaxPoolSize = MaxConnections;
            if (!builder.ShouldSerialize("Timeout")) builder.Timeout = Patience;
            if (!builder.ShouldSerialize("Command Timeout")) builder.CommandTimeout = Patience;
            if (!builder.ShouldSerialize("Max Auto Prepare")) builder.MaxAutoPrepare = MaxPrepared;
            builder.Options = $"{ServerOptions} {builder.Options}".TrimEnd();
            return builder;
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // Without the cause's text, which may repeat a part of the string with the password in it.
            throw new StartRefusedException("The Postgres connection string is not valid.");
        }
    }
}
