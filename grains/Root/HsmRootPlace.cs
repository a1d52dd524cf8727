using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Root;

/// <summary>A token of an HSM. Its roots are told apart by their CKA_IDs; the database says which one a silo uses.</summary>
internal sealed class HsmRootPlace : RootPlace
{
    private readonly HsmOptions _options;
    private readonly HsmRootStore _roots;
    private readonly ILoggerFactory _loggers;
    private readonly HsmToken _token;

    /// <summary>Sets up the token without connecting.</summary>
    public HsmRootPlace(HsmOptions options, HsmRootStore roots, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _roots, _loggers) = (options, roots, loggers);
        _token = new HsmToken(options, time, loggers.CreateLogger<HsmToken>(), loggers.CreateLogger<HsmConnection>());
    }

    /// <inheritdoc/>
    public override string Setting => _options.Setting;

    /// <inheritdoc/>
    public override string Description => NewKey().Description;

    /// <inheritdoc/>
    public override string? WhyNoSuccessor => _options.Address.RootId is null
        ? null
        : $"{Setting}: the URI names the root key by its id, so silos would use no other one. Remove the id from it, and run "
            + "the command again.";

    /// <inheritdoc/>
    public override async Task<IRootKey> Open(CancellationToken cancellationToken)
    {
        var root = NewKey();
        await root.Open(mayCreate: false, cancellationToken);
        return root;
    }

    /// <inheritdoc/>
    public override async Task<IRootKey?> OpenOther(string? except, CancellationToken cancellationToken)
    {
        var root = NewKey();
        return await root.TryOpenOther(except, cancellationToken) ? root : null;
    }

    /// <inheritdoc/>
    public override async Task<IRootKey?> Find(string rootId, CancellationToken cancellationToken)
    {
        var root = NewKey();
        return HsmRootStore.KeyId(rootId) is { } id && await root.TryOpen(id, cancellationToken) ? root : null;
    }

    /// <inheritdoc/>
    public override async Task<IRootKey> Make(string? unfinished, CancellationToken cancellationToken)
    {
        // With an id in the URI, silos look for that one.
        var root = NewKey();
        await root.OpenNew(
            unfinished is null || _options.Address.RootId is not null ? null : HsmRootStore.KeyId(unfinished), cancellationToken);
        return root;
    }

    /// <inheritdoc/>
    public override Task<IRootKey> MakeSuccessor(string? unfinished, CancellationToken cancellationToken) =>
        Make(unfinished, cancellationToken);

    /// <inheritdoc/>
    public override void Switch(string current)
    {
        // Silos use the newest root of the token that wraps every KEK.
    }

    /// <inheritdoc/>
    public override string HowSilosSwitch => "Silos use it from their next start: restart them one by one. Then:";

    /// <inheritdoc/>
    public override Task<bool> Destroy(string rootId, CancellationToken cancellationToken) =>
        HsmRootStore.KeyId(rootId) is { } id ? NewKey().Destroy(id, cancellationToken) : Task.FromResult(false);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _token.Dispose();
        base.Dispose();
    }

    private HsmRootKey NewKey() => new(_token, _options, _roots, _loggers.CreateLogger<HsmRootKey>());
}
