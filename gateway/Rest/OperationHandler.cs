using Microsoft.AspNetCore.Authorization;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Rest;

/// <summary>Requires permission for the operation that a route of ASP.NET Core's own names.</summary>
/// <param name="TakesScraper">Whether the metrics token will do, too.</param>
internal sealed record OperationRequirement(bool TakesScraper) : IAuthorizationRequirement;

/// <summary>Applies the same policies to the host's routes, such as the dashboard's, as to all others.</summary>
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
