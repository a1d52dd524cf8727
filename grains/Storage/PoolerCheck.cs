using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Finds out whether a pooler between this process and Postgres shares one session between clients. Then a session's lock belongs
/// to the next client, and prepared statements and settings are another client's.
/// </summary>
internal static class PoolerCheck
{
    /// <summary>The instructions for the operator.</summary>
    public const string Remedy = "connect to Postgres itself, or have PgBouncer use pool_mode = session and ignore_startup_parameters = options.";

    // Other clients of the pooler may get the session in between; not every time.
    private const int Rounds = 20;

    /// <summary>Whether sessions are shared.</summary>
    /// <param name="source">Opens connections over the same route.</param>
    /// <param name="first">One of them.</param>
    /// <param name="cancellationToken">Cancels the check.</param>
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
            // Both connections are open, so one process cannot serve both unless sessions are shared.
            if (await Backend(second, cancellationToken) == backend || await Backend(first, cancellationToken) != backend)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What to add to a refused connection's message; empty for one that is not a pooler's.</summary>
    public static string Explain(Exception refusal) =>
        refusal is PostgresException { SqlState: PostgresErrorCodes.ProtocolViolation } e && e.MessageText.Contains("startup parameter", StringComparison.Ordinal)
            ? " A pooler such as PgBouncer answers like this: " + Remedy
            : "";

    private static async Task<int> Backend(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
