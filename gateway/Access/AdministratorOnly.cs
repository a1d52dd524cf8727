namespace OrleansKms.Gateway.Access;

/// <summary>The administrator may do everything, and nobody else anything.</summary>
internal sealed class AdministratorOnly : IAccessPolicy
{
    public void Authorize(Principal principal, KmsOperation operation, string? keyId)
    {
        if (!principal.IsAdministrator)
        {
            throw KmsError.PermissionDenied.Exception();
        }
    }
}
