using Microsoft.AspNetCore.Authorization;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>That a principal may do the operation which a route of ASP.NET Core's own names.</summary>
/// <param name="TakesScraper">Whether whoever signed in by the token for metrics may, too.</param>
internal sealed record OperationRequirement(bool TakesScraper) : IAuthorizationRequirement;

/// <summary>Judges routes of the host, such as the dashboard's, by the same policies as all others.</summary>
internal sealed class OperationHandler : AuthorizationHandler<OperationRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, OperationRequirement requirement)
    {
        if (context.Resource is HttpContext http && Allows(Exchange.Of(http), requirement)) context.Succeed(requirement);
        return Task.CompletedTask;
    }

    private static bool Allows(Exchange exchange, OperationRequirement requirement)
    {
        if (exchange is not { Principal: { } principal, Operation: { } operation }) return false;
        if (ReferenceEquals(principal, Principal.Metrics)) return requirement.TakesScraper;
        return exchange.Allows(operation, null);
    }
}
