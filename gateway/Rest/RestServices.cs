using OrleansKms.Gateway.Observability;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Reference;

namespace OrleansKms.Gateway.Rest;

/// <summary>What REST handlers need besides the operations.</summary>
internal sealed class RestServices(OperationServices operations, HealthProbe health, ReferenceDocument document)
{
    public OperationServices Operations { get; } = operations;

    public HealthProbe Health { get; } = health;

    public ReferenceDocument Document { get; } = document;
}
