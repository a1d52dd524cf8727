using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Grains.Audit;

/// <summary>Who witnesses the logs.</summary>
/// <param name="Address">What stands before <c>/add-checkpoint</c>.</param>
/// <param name="Key">The witness's key, as C2SP writes one, of the type of cosignatures.</param>
public sealed record WitnessOptions(Uri Address, string Key)
{
    /// <summary>Reads an address and a key, with a space between.</summary>
    /// <exception cref="FormatException">They are none.</exception>
    public static WitnessOptions Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 && Uri.TryCreate(parts[0].TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
            && NoteVerifier.Parse(parts[1]) is { IsOfWitness: true } key
            ? new(address, key.ToString())
            : throw new FormatException("An address and the key of a witness are wanted.");
    }
}

/// <summary>
/// Has a witness cosign the checkpoints of a log (c2sp.org/tlog-witness, <c>add-checkpoint</c>): it vouches that the log only ever grew.
/// What it has signed lies beside the checkpoint, as <c>checkpoint.witnessed</c>. Nobody waits for it; where it does not answer it is
/// asked again, at first after a second and at last every five minutes.
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

    /// <summary>A witness of the logs; none where the options name none.</summary>
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

    /// <summary>Goes on until it is told to stop.</summary>
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

    /// <summary>Has the newest checkpoint cosigned, unless it is.</summary>
    /// <exception cref="HttpRequestException">The witness did not.</exception>
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
            // They know another size than we remember, as after a restore of this folder. A log that is shorter than they know was cut.
            _known = theirs <= head.Size ? theirs : throw Failed($"it knows {theirs} records of a log that has {head.Size}");
            using var again = await Post(folder, note, head, theirs, cancellationToken);
            Keep(folder, note, again.IsSuccessStatusCode ? await again.Content.ReadAsStringAsync(cancellationToken) : throw Failed($"it answers {(int)again.StatusCode}"));
        }
        else
        {
            Keep(folder, note, answer.IsSuccessStatusCode ? text : throw Failed($"it answers {(int)answer.StatusCode}"));
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
            throw Failed("its answer holds no signature of its key");
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

    [LoggerMessage(LogLevel.Error, "The witness does not cosign the checkpoint of the audit trail, and is asked again: {Reason}")]
    private partial void LogFailed(string reason);
}
