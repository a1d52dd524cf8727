using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Stores when a principal's tokens were last used, in a row beside the principal's, so that a use invalidates no gateway's cache. The
/// times are informational and not exact: a lost one is not recorded again.
/// </summary>
[GrainType("token-uses")]
public sealed partial class TokenUsesGrain : Grain, ITokenUsesGrain
{
    private readonly PrincipalRows _rows;
    private readonly RowSlot<TokenUsesRow> _slot;
    private readonly string _name;
    private readonly ILogger _logger;

    /// <summary>Makes an activation. Nothing is read before the first call.</summary>
    public TokenUsesGrain(IServiceProvider services, IGrainContext context, ILogger<TokenUsesGrain> logger)
    {
        // Its type is not public.
        _rows = services.GetRequiredService<PrincipalRows>();
        _name = context.GrainId.Key.ToString()!;
        _slot = _rows.OpenUses(_name);
        _logger = logger;
    }

    /// <inheritdoc/>
    public async Task Note(NoteTokenUse request)
    {
        try
        {
            await Keep(request);
        }
        catch (Exception e) when (e is StorageFailedException or KmsException or InconsistentStateException)
        {
            LogNotKept(_name, e);
            DeactivateOnIdle();
        }
    }

    private async Task Keep(NoteTokenUse request)
    {
        if (!PrincipalName.IsValid(_name) || await _rows.Find(_name) is not { } principal
            || !Array.Exists(principal.Tokens, token => token.Id == request.TokenId))
        {
            // A gateway can send any name, and the token may be gone meanwhile.
            DeactivateOnIdle();
            return;
        }

        while (_slot.NeedsRead) await _slot.Read();
        var known = _slot.Row?.UsedAt ?? [];
        if (known.TryGetValue(request.TokenId, out var at) && at >= request.UsedAt) return;
        var next = principal.Tokens.Where(token => known.ContainsKey(token.Id)).ToDictionary(token => token.Id, token => known[token.Id]);
        next[request.TokenId] = request.UsedAt;
        await _slot.Write(new() { Incarnation = _slot.Row?.Incarnation ?? principal.Incarnation, UsedAt = next });
    }

    [LoggerMessage(LogLevel.Warning, "principal {Principal}: the last use of a token was not recorded")]
    private partial void LogNotKept(string principal, Exception exception);
}
