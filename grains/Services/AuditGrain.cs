using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using OrleansKms.Grains.Audit;

namespace OrleansKms.Grains.Services;

/// <summary>The audit trail of this silo, for gateways.</summary>
[StatelessWorker]
public sealed class AuditGrain(IServiceProvider services) : Grain, IAuditGrain
{
    private readonly AuditLog? _log = services.GetService<AuditLog>();

    /// <inheritdoc/>
    public async Task Record(GatewayCalls request)
    {
        if (request.Calls is not { Length: <= GatewayCalls.MaxCalls } calls)
        {
            throw KmsError.InvalidRequest.Exception();
        }

        if (_log is not { IsOn: true } log)
        {
            return;
        }

        foreach (var call in calls)
        {
            await log.Write(new(call.Operation, call.Outcome)
            {
                Caller = call.Caller,
                KeyId = call.KeyId,
                Items = call.Items,
                FailedItems = call.Items,
                Times = call.Times > 1 ? call.Times : null,
            });
        }
    }
}
