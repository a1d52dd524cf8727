using System.Diagnostics;
using System.Diagnostics.Metrics;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// The metrics of keys: <c>encryptions_total{key_id,status}</c>, <c>decryptions_total{key_id,status}</c> and
/// <c>encryption_duration_seconds{key_id}</c>; for all other cryptography <c>key_operations_total{key_id,operation,status}</c> and
/// <c>key_operation_duration_seconds{operation}</c>; and for rotations by time <c>rotations_overdue</c> and
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

    private static readonly Counter<long> _operations = _meter.CreateCounter<long>(
        "key_operations", description: "Signatures, verifications and other cryptography that encrypts nothing, by key, operation and outcome.");

    // Without the key's id: how long an operation takes depends on the algorithm, and a histogram for each key would be many series.
    private static readonly Histogram<double> _operationDuration = _meter.CreateHistogram<double>(
        "key_operation_duration", "s", "Time that such an operation takes inside a key's grain.",
        advice: new() { HistogramBucketBoundaries = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 0.1, 1, 10] });

    // Without the key's id: all keys of a silo can be overdue at once.
    private static readonly UpDownCounter<long> _rotationsOverdue = _meter.CreateUpDownCounter<long>(
        "rotations_overdue", description: "Keys that continue under an old version because their rotation by time keeps "
            + "failing.");

    private static readonly Counter<long> _rotationFailures = _meter.CreateCounter<long>(
        "rotation_failures", description: "Attempts at a rotation by time that failed, by outcome.");

    private static readonly KeyValuePair<string, object?> _success = new("status", "success");

    /// <summary>
    /// The time stamp for <see cref="Took"/>; 0 when nothing reads the duration, since taking it costs two clock readings.
    /// </summary>
    /// <param name="operation">An operation that spends a use.</param>
    public static long StartOf(KmsOperation operation) =>
        (Encrypts(operation) ? _encryptionDuration : _operationDuration).Enabled ? Stopwatch.GetTimestamp() : 0;

    /// <summary>
    /// The tag of a key whose row was not seen. Callers can name any id, and made-up ids must not become time series.
    /// </summary>
    public static KeyValuePair<string, object?> UnknownKey { get; } = new("key_id", "unknown");

    /// <summary>Counts operations whose answers or refusals leave.</summary>
    /// <param name="key">The key.</param>
    /// <param name="operation">One that uses material.</param>
    /// <param name="code">The error's code; null for a success.</param>
    /// <param name="times">How many.</param>
    public static void Left(in KeyValuePair<string, object?> key, KmsOperation operation, string? code, int times)
    {
        if (Encrypts(operation))
        {
            _encryptions.Add(times, key, Status(code));
        }
        else if (operation == KmsOperation.Decrypt)
        {
            _decryptions.Add(times, key, Status(code));
        }
        else
        {
            _operations.Add(times, key, new("operation", operation.Metric), Status(code));
        }
    }

    /// <summary>Records how long an operation that spent a use took, whether or not its answer leaves.</summary>
    public static void Took(in KeyValuePair<string, object?> key, KmsOperation operation, long startedAt)
    {
        if (startedAt == 0)
        {
            return;
        }

        var seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        if (Encrypts(operation))
        {
            _encryptionDuration.Record(seconds, key);
        }
        else
        {
            _operationDuration.Record(seconds, new KeyValuePair<string, object?>("operation", operation.Metric));
        }
    }

    /// <summary>
    /// A key's rotation was put off (1), or no longer is (-1). 0 makes the gauge visible to those who watch it.
    /// </summary>
    public static void RotationOverdue(int change) => _rotationsOverdue.Add(change);

    public static void RotationFailed(string code) => _rotationFailures.Add(1, new KeyValuePair<string, object?>("status", code));

    private static bool Encrypts(KmsOperation operation) => operation is { SpendsUse: true, HasMessage: true };

    private static KeyValuePair<string, object?> Status(string? code) => code is null ? _success : new("status", code);
}
