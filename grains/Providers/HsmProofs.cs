using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Tries, once the silo has started, what this token can do, beside everything else: nobody waits for it but who creates a key of a spec
/// that was not tried yet. What the token refuses, no key of protection hsm can be until the next start; while the token is away, nothing
/// is concluded.
/// </summary>
internal sealed partial class HsmProofs(HsmToken hsm, HsmOptions options, TimeProvider time, ILogger<HsmProofs> logger)
    : BackgroundService, IHsmSpecs
{
    // An error that may be the token's or the call's is believed when it comes again.
    private const int MaxTries = 3;

    private static readonly TimeSpan _betweenTries = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<HsmMechanism, TaskCompletionSource<HsmProof>> _proofs = new();

    /// <inheritdoc/>
    public IEnumerable<string> Specs =>
        HsmMechanism.All.SelectMany(m => Find(m) is { } proof && m.WhyNot(proof) is null ? m.Names(proof) : []);

    /// <summary>What the token can do with keys of a mechanism; null as long as that is not known.</summary>
    public HsmProof? Find(HsmMechanism mechanism) =>
        Of(mechanism).Task is { IsCompletedSuccessfully: true } known ? known.Result : null;

    /// <summary>The same, once it is known.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public Task<HsmProof> Get(HsmMechanism mechanism, CancellationToken cancellationToken) => Of(mechanism).Task.WaitAsync(cancellationToken);

    /// <summary>The same, after a little wait where that is still being found out, which is soon after the start; null if it is not known then.</summary>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public async ValueTask<HsmProof?> GetSoon(HsmMechanism mechanism, CancellationToken cancellationToken)
    {
        if (Find(mechanism) is { } known)
        {
            return known;
        }

        if (!hsm.IsUp)
        {
            return null;
        }

        try
        {
            return await Get(mechanism, cancellationToken).WaitAsync(_patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Tries everything that is not known yet.</summary>
    public async Task ProveAll(CancellationToken cancellationToken)
    {
        foreach (var mechanism in HsmMechanism.All.Where(m => m.ProvenBy == m))
        {
            if (Find(mechanism) is null)
            {
                Of(mechanism).TrySetResult(await Prove(mechanism, cancellationToken));
            }
        }

        Log();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await ProveAll(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo is stopping.
        }
    }

    private TaskCompletionSource<HsmProof> Of(HsmMechanism mechanism) =>
        _proofs.GetOrAdd(mechanism.ProvenBy, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task<HsmProof> Prove(HsmMechanism mechanism, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await hsm.RunProof(session => mechanism.Prove(hsm, session, options.MaxMessage), cancellationToken);
            }
            catch (HsmException e) when (!e.IsTokenLost && e is not HsmBusyException)
            {
                if (tries >= MaxTries || e is not Pkcs11Exception { IsAmbiguous: true })
                {
                    return new(e.Message.TrimEnd('.'));
                }
            }
            catch (Exception e) when (e is HsmException or TimeoutException)
            {
                // It is away, or busy, or hangs; or is there and fails at this alone, which then must not keep the others waiting.
                tries = hsm.IsUp && e is not HsmBusyException ? tries : 0;
                if (tries >= MaxTries)
                {
                    return new(e is TimeoutException ? "The token did not answer in time" : e.Message.TrimEnd('.'));
                }

                NotTried(mechanism.Spec, e.Message);
            }

            await Task.Delay(_betweenTries, time, cancellationToken);
        }
    }

    private void Log()
    {
        var specs = string.Join(", ", Specs);
        CanHold(specs);
        foreach (var mechanism in HsmMechanism.All)
        {
            var usages = string.Join(", ", mechanism.Usages);
            if (Find(mechanism) is { } proof && mechanism.WhyNot(proof) is { } refusal)
            {
                CannotHold(mechanism.Spec, usages, refusal);
            }
            else if (Find(mechanism) is { } partly && mechanism.Lacks(partly) is { Count: > 0 } lacking)
            {
                var algorithms = string.Join(", ", lacking);
                Lacks(mechanism.Spec, usages, algorithms);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Whether the HSM can hold keys of {Spec} could not be found out, and is tried again: {Reason}")]
    private partial void NotTried(string spec, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The HSM can hold keys of {Specs}")]
    private partial void CanHold(string specs);

    [LoggerMessage(Level = LogLevel.Information, Message = "The HSM cannot hold keys of {Spec} for {Usages}: {Reason}")]
    private partial void CannotHold(string spec, string usages, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Keys of {Spec} for {Usages} in the HSM lack {Algorithms}")]
    private partial void Lacks(string spec, string usages, string algorithms);
}
