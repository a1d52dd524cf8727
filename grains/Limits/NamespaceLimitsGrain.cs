using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Limits;

/// <summary>The limits of all namespaces, in one row. Gateways cache all of them and poll every second.</summary>
[GrainType("namespaces")]
public sealed partial class NamespaceLimitsGrain : Grain, INamespaceLimitsGrain
{
    // Another activation may have written; this bounds how often the row is read, however many gateways ask.
    private static readonly TimeSpan _freshFor = TimeSpan.FromSeconds(1);

    private readonly RowSlot<NamespaceLimitsRow> _slot;
    private readonly IAdministrators _administrators;
    private readonly CallAudit _audit;
    private readonly FeatureLevels _levels;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long? _readAt;

    /// <summary>Makes an activation. Nothing is read before the first call.</summary>
    public NamespaceLimitsGrain(IServiceProvider services, ILogger<NamespaceLimitsGrain> logger)
    {
        // Their types are not public.
        _slot = new(services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Sealed), NamespaceLimitsRow.Grain, RowNames.Namespaces);
        _administrators = services.GetRequiredService<IAdministrators>();
        _audit = services.GetRequiredService<CallAudit>();
        _levels = services.GetRequiredService<FeatureLevels>();
        _time = services.GetRequiredKeyedService<TimeProvider>(ClockNames.Keys);
        _logger = logger;
    }

    /// <inheritdoc/>
    public Task<NamespaceLimits> Set(SetNamespaceLimits request) => Change(
        KmsOperation.SetNamespaceLimits, request, request.Prefix, request.Proof, limits =>
        {
            var rules = request.Limits;
            LimitRules.Check(rules);
            if (rules.Count > 0 && !_levels.AllKnowLevel4)
            {
                throw KmsError.Conflict.Exception(
                    "Limits can be set only after the upgrade: upgrade every silo and gateway, then run okms raise-feature-level.");
            }

            limits.Remove(request.Prefix);
            if (rules.Count > 0)
            {
                limits.Add(request.Prefix, [.. rules]);
            }

            return limits.Count <= KmsLimits.LimitedNamespaces
                ? new NamespaceLimits(request.Prefix, [.. rules])
                : throw KmsError.Conflict.Exception($"{KmsLimits.LimitedNamespaces} namespaces have limits already, which is the maximum.");
        });

    /// <inheritdoc/>
    public Task<NamespaceLimits> Describe(NamespaceCommand request) => Run(KmsOperation.DescribeNamespaceLimits, request, request.Prefix, async () =>
    {
        _slot.Invalidate();
        var row = await Load();
        return row.Limits.TryGetValue(request.Prefix, out var limits) ? new NamespaceLimits(request.Prefix, limits) : throw NotFound();
    });

    /// <inheritdoc/>
    public Task Remove(NamespaceCommand request) => Change(
        KmsOperation.RemoveNamespaceLimits, request, request.Prefix, request.Proof,
        limits => limits.Remove(request.Prefix) ? true : throw NotFound());

    /// <inheritdoc/>
    public Task<AllNamespaceLimits> List(NamespaceLimitsQuery request) => Guarded(async () =>
    {
        if (_readAt is not { } at || _time.GetElapsedTime(at) >= _freshFor)
        {
            _slot.Invalidate();
        }

        var row = await Load();
        return new AllNamespaceLimits(row.Revision, [.. row.Limits.Select(entry => new NamespaceLimits(entry.Key, entry.Value))]);
    });

    private Task<T> Change<T>(
        KmsOperation operation, ICallerRequest request, string prefix, AdministratorProof? proof, Func<Dictionary<string, LimitRule[]>, T> change) =>
        Run(operation, request, prefix, async () =>
        {
            await _administrators.Require(proof, operation);
            _audit.RequireRoom();
            _slot.Invalidate();
            var row = await Load();
            var limits = new Dictionary<string, LimitRule[]>(row.Limits, StringComparer.Ordinal);
            var answer = change(limits);
            await _slot.Write(row with { Limits = limits });
            LogChanged(operation.Verb, prefix, request.Caller.Principal, request.Caller.RequestId);
            return answer;
        });

    private Task<T> Run<T>(KmsOperation operation, ICallerRequest request, string prefix, Func<Task<T>> work)
    {
        var isValid = KeyId.IsValid(prefix);
        return _audit.Run(operation, request.Caller, new() { Detail = isValid ? "namespace:" + prefix : null }, () => Guarded(() => isValid
            ? work()
            : throw KmsError.InvalidParameter.Exception($"A namespace must be {KeyId.Rule}.")));
    }

    private async Task<NamespaceLimitsRow> Load()
    {
        while (_slot.NeedsRead)
        {
            var startedAt = _time.GetTimestamp();
            await _slot.Read();
            _readAt = startedAt;
        }

        return _slot.Row ?? new() { Incarnation = Incarnation.New() };
    }

    private async Task<T> Guarded<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (KmsException)
        {
            throw;
        }
        catch (InconsistentStateException)
        {
            _slot.Invalidate();
            throw KmsError.Conflict.Exception();
        }
        catch (StorageFailedException e)
        {
            LogFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
        catch (Exception e)
        {
            LogFailed(e);
            throw KmsError.Internal.Exception();
        }
    }

    private static KmsException NotFound() => KmsError.NotFound.Exception("The namespace has no limits.");

    [LoggerMessage(LogLevel.Information, "limits: {Operation} of namespace {Prefix}, by {Principal}, request {RequestId}")]
    private partial void LogChanged(string operation, string prefix, string principal, string requestId);

    [LoggerMessage(LogLevel.Warning, "namespace limits: failed")]
    private partial void LogFailed(Exception exception);
}
