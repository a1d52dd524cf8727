namespace OrleansKms.Gateway.Access;

/// <summary>The administrator may do everything; anybody else what policies without conditions allow.</summary>
internal sealed class AdministratorOnly : IAccessPolicy
{
    public void Authorize(Principal principal, KmsOperation operation, string? keyId)
    {
        if (!principal.IsAdministrator
            && principal.Compiled.Decide(operation, keyId, new() { Now = DateTimeOffset.UtcNow, Principal = principal.Name }) != AccessDecision.Allowed)
        {
            throw KmsError.PermissionDenied.Exception();
        }
    }
}
