using System.Net;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Keys;

namespace OrleansKms.Grains.Access;

/// <summary>Judges by the principal's policies of now, with the conditions of now and the address of then.</summary>
internal sealed class PrincipalStanding(AccessFacts facts, [FromKeyedServices(ClockNames.Keys)] TimeProvider time) : IPrincipalStanding
{
    /// <inheritdoc/>
    public async ValueTask<bool> May(string principal, string? source, KmsOperation operation, string keyId, KeyFacts key)
    {
        if (principal == CompiledPolicies.Unbound) return true;
        if (await facts.FindNamed(principal) is not { IsEnabled: true } found) return false;
        var context = new AccessContext
        {
            Now = time.GetUtcNow(),
            Source = IPAddress.TryParse(source, out var address) ? address : null,
            Principal = principal,
            HasMessage = true,
            Key = key,
        };
        return CompiledPolicies.Of(found.Policies).Decide(operation, keyId, context) == AccessDecision.Allowed;
    }
}
