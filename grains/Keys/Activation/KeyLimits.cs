namespace OrleansKms.Grains.Keys.Activation;

/// <summary>The key's own limits. A key without any pays one comparison.</summary>
internal sealed class KeyLimits(KeyActivation key)
{
    /// <summary>Spends a use of each limit that counts an operation. It is never given back.</summary>
    /// <param name="operation">The operation; null if it was counted already.</param>
    /// <returns>False if something must be prepared first; then nothing was counted.</returns>
    public bool TrySpend(KmsOperation? operation) =>
        key.Slot.Row is not { Limits: { } rules } || operation is null || key.Usage.Windows.TrySpend(rules, operation);

    /// <summary>
    /// Reserves uses of the limits that count an operation. A caller that waited tries to spend, and prepares again if it cannot.
    /// </summary>
    /// <param name="operation">The operation; null if it was counted already.</param>
    /// <param name="wanted">How many uses are about to be spent.</param>
    /// <exception cref="KmsException">rate_limited.</exception>
    public async Task Prepare(KmsOperation? operation, long wanted)
    {
        if (operation is null || (await key.Load()) is not { Limits: { } rules } row)
        {
            return;
        }

        var windows = key.Usage.Windows.Of(rules, operation);
        if (windows.Length > 0)
        {
            await key.Usage.Load(row.Incarnation);
            await key.Usage.Reserve(windows, row.Incarnation, wanted);
        }
    }

    /// <summary>Counts an operation other than cryptography, before it does anything.</summary>
    /// <param name="operation">The operation.</param>
    /// <exception cref="KmsException">rate_limited.</exception>
    public async Task Spend(KmsOperation operation)
    {
        await key.LoadSlot();
        while (key.Slot.Row is { Limits: not null } && !TrySpend(operation))
        {
            await Prepare(operation, wanted: 1);
        }
    }
}
