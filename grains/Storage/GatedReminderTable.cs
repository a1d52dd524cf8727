namespace OrleansKms.Grains.Storage;

/// <summary>
/// The provider's reminder table, with its calls run as the database requires: off the grain scheduler, and writes one at a time.
/// </summary>
internal sealed class GatedReminderTable(IReminderTable table, Database database) : IReminderTable
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await table.StartAsync(cancellationToken);
        return true;
    });

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => table.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<ReminderTableData> ReadRows(GrainId grainId) => database.Read(() => table.ReadRows(grainId));

    /// <inheritdoc/>
    public Task<ReminderTableData> ReadRows(uint begin, uint end) => database.Read(() => table.ReadRows(begin, end));

    /// <inheritdoc/>
    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        database.Read(() => table.ReadRow(grainId, reminderName));

    /// <inheritdoc/>
    public Task<string?> UpsertRow(ReminderEntry entry) => database.Write(() => table.UpsertRow(entry));

    /// <inheritdoc/>
    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        database.Write(() => table.RemoveRow(grainId, reminderName, eTag));

    /// <inheritdoc/>
    public Task TestOnlyClearTable() => database.Write(async () =>
    {
        await table.TestOnlyClearTable();
        return true;
    });
}
