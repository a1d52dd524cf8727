using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;

namespace OrleansKms.Grains.Access;

/// <summary>Returns to gateways what <see cref="AccessFacts"/> knows.</summary>
[StatelessWorker, GrainType("access-facts")]
public sealed class AccessFactsGrain(IServiceProvider services) : Grain, IAccessFactsGrain
{
    private readonly AccessFacts _facts = services.GetRequiredService<AccessFacts>();

    /// <inheritdoc/>
    public async ValueTask<FoundPrincipal> Find(FindPrincipal query) => new(await _facts.Find(query.Credential));

    /// <inheritdoc/>
    public ValueTask<AccessChanges> Changes(AccessChangesQuery query) => _facts.Changes(query.Since, query.ReadsAnew);
}
