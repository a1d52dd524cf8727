using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Grains.Audit;

/// <summary>The witness of the logs.</summary>
/// <param name="Address">The URL without <c>/add-checkpoint</c>.</param>
/// <param name="Key">The witness's verifier key in C2SP's format, of the cosignature type.</param>
public sealed record WitnessOptions(Uri Address, string Key)
{
    /// <summary>Parses an address and a key, separated by a space.</summary>
    /// <exception cref="FormatException">The text is not an address and a key.</exception>
    public static WitnessOptions Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 && Uri.TryCreate(parts[0].TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
            && NoteVerifier.Parse(parts[1]) is { IsOfWitness: true } key
            ? new(address, key.ToString())
            : throw new FormatException("Expected the address and the key of a witness.");
    }
}

/// <summary>
/// Asks a witness to cosign a log's checkpoints (c2sp.org/tlog-witness, <c>add-checkpoint</c>): it attests that the log has only ever
/// grown. Cosigned checkpoints are stored next to the checkpoint as <c>checkpoint.witnessed</c>. No operation waits for it. If it does not
/// answer, it is retried, first after a second and eventually every five minutes.
/// </summary>
internal sealed partial class AuditWitness : IDisposable
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromMinutes(5);

    private readonly WitnessOptions? _options;
    private readonly NoteVerifier? _key;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long? _known;
    private bool _isFailing;

    /// <summary>The witness from the options; does nothing if they name none.</summary>
    public AuditWitness(AuditOptions options, ILogger<AuditWitness> logger)
        : this(options.Witness, TimeProvider.System, logger)
    {
    }

    internal AuditWitness(WitnessOptions? options, TimeProvider time, ILogger logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        _key = options is null ? null : NoteVerifier.Parse(options.Key);
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = TimeSpan.FromSeconds(10),
            MaxResponseContentBufferSize = 64 * 1024,
        };
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task Run(TrailFolder folder, CancellationToken stopping)
    {
        try
        {
            for (var pause = _firstPause; _options is not null;)
            {
                await Task.Delay(pause, _time, stopping);
                pause = await TryAsk(folder, stopping) ? _firstPause : Min(2 * pause, _longestPause);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Has the newest checkpoint cosigned, unless it is already.</summary>
    /// <exception cref="HttpRequestException">The witness did not cosign it.</exception>
    internal async Task Ask(TrailFolder folder, CancellationToken cancellationToken)
    {
        if (folder.ReadHead() is not { } note || Checkpoint.Parse(note.Text) is not { Size: > 0 } head)
        {
            return;
        }

        _known ??= folder.ReadWitnessed() is { } witnessed ? Checkpoint.Parse(witnessed.Text)!.Size : 0;
        if (head.Size == _known)
        {
            return;
        }

        using var answer = await Post(folder, note, head, _known.Value, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        if (answer.StatusCode == HttpStatusCode.Conflict && long.TryParse(text.TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var theirs))
        {
            // The witness knows another size than this silo, as after a restore of the folder. A log shorter than the witness knows was
            // truncated.
            _known = theirs <= head.Size ? theirs : throw Failed($"it knows {theirs} records of the log, which has only {head.Size}");
            using var again = await Post(folder, note, head, theirs, cancellationToken);
            Keep(folder, note, again.IsSuccessStatusCode ? await again.Content.ReadAsStringAsync(cancellationToken) : throw Failed($"it returned {(int)again.StatusCode}"));
        }
        else
        {
            Keep(folder, note, answer.IsSuccessStatusCode ? text : throw Failed($"it returned {(int)answer.StatusCode}"));
        }

        _known = head.Size;
    }

    private Task<HttpResponseMessage> Post(TrailFolder folder, SignedNote note, Checkpoint head, long old, CancellationToken cancellationToken)
    {
        var proof = old > 0 && old < head.Size ? MerkleTree.ConsistencyProof(TiledTree.Load(folder, head.Size), old, head.Size) : [];
        var body = string.Create(CultureInfo.InvariantCulture, $"old {old}\n{string.Concat(proof.Select(hash => hash + "\n"))}\n{note}");
        return _http.PostAsync(new Uri(_options!.Address, "add-checkpoint"), new StringContent(body, new UTF8Encoding(false), "text/plain"), cancellationToken);
    }

    private void Keep(TrailFolder folder, SignedNote note, string lines)
    {
        var signed = SignedNote.Parse(Encoding.UTF8.GetBytes($"{note.Text}\n{lines}"));
        if (signed is null || _key!.Verify(signed) is not { } cosignature)
        {
            throw Failed("its answer has no valid signature by its key");
        }

        folder.WriteWitnessed(note with { Signatures = [.. note.Signatures, cosignature] });
    }

    private async Task<bool> TryAsk(TrailFolder folder, CancellationToken stopping)
    {
        try
        {
            await Ask(folder, stopping);
            _isFailing = false;
            return true;
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            if (!_isFailing)
            {
                LogFailed(e.Message);
            }

            _isFailing = true;
            return false;
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static HttpRequestException Failed(string reason) => new(reason);

    [LoggerMessage(LogLevel.Error, "The witness does not cosign the audit trail's checkpoint; retrying: {Reason}")]
    private partial void LogFailed(string reason);
}
