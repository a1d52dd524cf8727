using System.Data.Common;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Storage;

/// <summary>What happened to the installation as a whole.</summary>
/// <param name="Action">What happened, for example <c>kek-create</c>.</param>
/// <param name="At">When, UTC.</param>
/// <param name="Source">The machine on which it was done.</param>
/// <param name="Detail">What it was done to.</param>
internal sealed record SystemEvent(string Action, DateTimeOffset At, string Source, string Detail);

/// <summary>
/// Reads and writes the table okms_audit_event. What changes the installation stands there in the transaction of the change, also of a
/// command, which has no log of its own; a silo moves it to the audit trail within a second.
/// </summary>
internal sealed class SystemEvents(Database database)
{
    private const string RootState = "root";
    private const string Insert =
        "INSERT INTO okms_audit_event (event_id, happened_at, action, source, detail) VALUES (@id, @at, @action, @source, @detail)";

    /// <summary>Adds an event to a transaction.</summary>
    public static Task Add(DbTransaction transaction, string action, string detail, DateTime now, CancellationToken cancellationToken) =>
        transaction.Execute(Insert, Values(action, detail, now), cancellationToken);

    /// <summary>Adds an event.</summary>
    public Task Add(string action, string detail, DateTime now, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(Insert, Values(action, detail, now));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });

    /// <summary>Notes the root that silos run on; another one than before is an event.</summary>
    public Task NoteRoot(string rootId, DateTime now, CancellationToken cancellationToken) => database.InTransaction(async transaction =>
    {
        (string, object)[] state = [("name", RootState), ("value", rootId)];
        if (await transaction.Execute("INSERT INTO okms_audit_state (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING", state, cancellationToken) == 0
            && await transaction.Execute("UPDATE okms_audit_state SET value = @value WHERE name = @name AND value <> @value", state, cancellationToken) == 1)
        {
            await Add(transaction, "root-switch", rootId, now, cancellationToken);
        }

        return true;
    }, cancellationToken);

    /// <summary>Moves the oldest event to its destination.</summary>
    /// <param name="keep">Stores it; if that fails, the event stays here. A crash in between stores it twice.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False if there is none.</returns>
    public async Task<bool> TryMove(Func<SystemEvent, Task> keep, CancellationToken cancellationToken)
    {
        if (await database.Read(() => First(cancellationToken)) is not var (id, first))
        {
            return false;
        }

        await database.InTransaction(async transaction =>
        {
            // Another silo may be at it: one of them deletes it.
            if (await transaction.Execute("DELETE FROM okms_audit_event WHERE event_id = @id", [("id", id)], cancellationToken) == 1)
            {
                await keep(first);
            }

            return true;
        }, cancellationToken);
        return true;
    }

    private async Task<(string Id, SystemEvent Event)?> First(CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            "SELECT event_id, action, happened_at, source, detail FROM okms_audit_event ORDER BY happened_at, event_id LIMIT 1");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (reader.GetString(0), new(
                reader.GetString(1), new(DateTime.SpecifyKind(reader.GetDateTime(2), DateTimeKind.Utc)), reader.GetString(3), reader.GetString(4)))
            : null;
    }

    private static (string, object)[] Values(string action, string detail, DateTime now) =>
    [
        ("id", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))), ("at", now), ("action", action),
        ("source", Environment.MachineName), ("detail", detail),
    ];
}
