using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// A version that a request names, for an operation that spends a use of it. Unlike the primary version it is not rotated first.
/// </summary>
internal static class NamedVersion
{
    /// <summary>
    /// Spends a use of a version and of the key's limits, preparing first what that takes. A spent use is never given back. Whoever
    /// waited uses the version before the next await.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="usage">What the key must be for.</param>
    /// <param name="number">The version; any number.</param>
    /// <param name="limited">What the limits count it as.</param>
    /// <returns>The version and its counters.</returns>
    /// <exception cref="KmsException">The error of the key's state; wrong_key_usage; not_found, version_not_usable; rate_limited.</exception>
    public static async Task<(IKeyVersion Version, UsageMeter Meter)> Spend(
        KeyActivation key, KeyUsage usage, int number, KmsOperation limited)
    {
        while (true)
        {
            var row = await key.Load();
            KeyUsability.Require(row, usage);
            KeyUsability.RequireVerifies(row, number);
            KeyUsability.RequireMaterial(row, number);
            await key.Usage.Load(row.Incarnation);
            var meter = key.Usage.Meter(number);
            if (!meter.CanSpend)
            {
                // A plan's number of uses makes the key rotate, and this one has.
                await key.Usage.Reserve(meter, UsagePolicy.Of(row) with { RotateAt = long.MaxValue }, row.Incarnation, wanted: 1);
                if (!meter.CanSpend)
                {
                    throw KmsError.KeyExhausted.Exception();
                }
            }

            if (await key.Open(number) is not { Outcome: OpeningOutcome.Opened, Version: { } version }
                || !ReferenceEquals(row, key.Slot.Row) || key.Slot.NeedsRead || !meter.CanSpend)
            {
                continue;
            }

            if (key.Limits.TrySpend(limited) && meter.TrySpend())
            {
                return (version, meter);
            }

            await key.Limits.Prepare(limited, wanted: 1);
        }
    }
}
