using System.Diagnostics;
using System.Diagnostics.Metrics;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// The metrics of keys: <c>encryptions_total{key_id,status}</c>, <c>decryptions_total{key_id,status}</c> and
/// <c>encryption_duration_seconds{key_id}</c>, and for rotations by time <c>rotations_overdue</c> and
/// <c>rotation_failures_total{status}</c>. The status is <c>success</c> or an error's code.
/// </summary>
internal static class KeyInstruments
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = KmsMeter.Name;

    private static readonly Meter _meter = new(MeterName);

    private static readonly Counter<long> _encryptions = _meter.CreateCounter<long>(
        "encryptions", description: "Encryptions, data keys and rewraps, by key and outcome.");

    private static readonly Counter<long> _decryptions = _meter.CreateCounter<long>(
        "decryptions", description: "Decryptions, by key and outcome.");

    private static readonly Histogram<double> _encryptionDuration = _meter.CreateHistogram<double>(
        "encryption_duration", "s", "Time that an encryption takes inside the key's grain.",
        advice: new() { HistogramBucketBoundaries = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 0.1, 1] });

    // Without the key's id: all keys of a silo can be overdue at once.
    private static readonly UpDownCounter<long> _rotationsOverdue = _meter.CreateUpDownCounter<long>(
        "rotations_overdue", description: "Keys that continue under an old version because their rotation by time keeps "
            + "failing.");

    private static readonly Counter<long> _rotationFailures = _meter.CreateCounter<long>(
        "rotation_failures", description: "Attempts at a rotation by time that failed, by outcome.");

    private static readonly KeyValuePair<string, object?> _success = new("status", "success");

    /// <summary>
    /// The time stamp for <see cref="EncryptionMade"/>; 0 when nothing reads the duration, since taking it costs two clock
    /// readings.
    /// </summary>
    public static long StartOfEncryption() => _encryptionDuration.Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>
    /// The tag of a key whose row was not seen. Callers can name any id, and made-up ids must not become time series.
    /// </summary>
    public static KeyValuePair<string, object?> UnknownKey { get; } = new("key_id", "unknown");

    /// <summary>Counts encryptions, data keys and rewraps whose answers or refusals leave.</summary>
    /// <param name="key">The key.</param>
    /// <param name="code">The error's code; null for a success.</param>
    /// <param name="times">How many.</param>
    public static void Encrypted(in KeyValuePair<string, object?> key, string? code, int times) =>
        _encryptions.Add(times, key, Status(code));

    /// <summary>Counts decryptions whose answers or refusals leave.</summary>
    /// <param name="key">The key.</param>
    /// <param name="code">The error's code; null for a success.</param>
    /// <param name="times">How many.</param>
    public static void Decrypted(in KeyValuePair<string, object?> key, string? code, int times) =>
        _decryptions.Add(times, key, Status(code));

    /// <summary>Records how long an encryption took, whether or not its answer leaves.</summary>
    public static void EncryptionMade(in KeyValuePair<string, object?> key, long startedAt)
    {
        if (startedAt != 0)
        {
            _encryptionDuration.Record(Stopwatch.GetElapsedTime(startedAt).TotalSeconds, key);
        }
    }

    /// <summary>
    /// A key's rotation was put off (1), or no longer is (-1). 0 makes the gauge visible to those who watch it.
    /// </summary>
    public static void RotationOverdue(int change) => _rotationsOverdue.Add(change);

    public static void RotationFailed(string code) => _rotationFailures.Add(1, new KeyValuePair<string, object?>("status", code));

    private static KeyValuePair<string, object?> Status(string? code) => code is null ? _success : new("status", code);
}
