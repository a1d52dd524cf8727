using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Finds out whether a pooler between this process and Postgres lends one session to several clients in turn. Then a lock that a
/// session holds belongs to whoever comes next, and what is prepared or set in it is somebody else's.
/// </summary>
internal static class PoolerCheck
{
    /// <summary>What an operator is told to do.</summary>
    public const string Remedy = "connect to Postgres itself, or have PgBouncer use pool_mode = session and ignore_startup_parameters = options.";

    // Other clients of the pooler may take the session in between; not every time.
    private const int Rounds = 20;

    /// <summary>Whether sessions are shared.</summary>
    /// <param name="source">Opens connections by the same way.</param>
    /// <param name="first">One of them.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<bool> SharesSessions(NpgsqlDataSource source, NpgsqlConnection first, CancellationToken cancellationToken)
    {
        // Postgres greets with the number of the process that serves the session. A pooler has none yet, and makes one up.
        var backend = await Backend(first, cancellationToken);
        if (backend == first.ProcessID)
        {
            return false;
        }

        await using var second = await source.OpenConnectionAsync(cancellationToken);
        for (var round = 0; round < Rounds; round++)
        {
            // Both are open, so one process cannot serve both unless it is lent.
            if (await Backend(second, cancellationToken) == backend || await Backend(first, cancellationToken) != backend)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What to add to a refusal to connect; empty for one that is not a pooler's.</summary>
    public static string Explain(Exception refusal) =>
        refusal is PostgresException { SqlState: PostgresErrorCodes.ProtocolViolation } e && e.MessageText.Contains("startup parameter", StringComparison.Ordinal)
            ? " So answers a pooler such as PgBouncer: " + Remedy
            : "";

    private static async Task<int> Backend(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
