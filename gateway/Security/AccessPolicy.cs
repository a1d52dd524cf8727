namespace OrleansKms.Gateway.Security;

/// <summary>What a principal can ask for.</summary>
internal enum KmsAction
{
    CreateKey,
    ListKeys,
    DescribeKey,
    UpdateKey,
    RotateKey,
    EnableKey,
    DisableKey,
    DestroyVersion,
    CancelDestruction,
    ScheduleDeletion,
    CancelDeletion,
    ListAliases,
    DescribeAlias,
    PointAlias,
    RemoveAlias,
    Encrypt,
    Decrypt,
    Rewrap,
    GenerateDataKey,
    DrawRandom,
    ListKeks,
    RotateKek,
    DestroyKek,
}

/// <summary>
/// Decides what a principal may do. Every handler comes through here before it calls a grain, with the id that an alias
/// stands for, and once for each item of a batch.
/// </summary>
internal interface IAccessPolicy
{
    /// <summary>Lets the action pass or refuses it.</summary>
    /// <param name="principal">Who asks.</param>
    /// <param name="action">What for.</param>
    /// <param name="keyId">The key, or null where none is named.</param>
    /// <exception cref="KmsException">permission_denied, whether or not the key exists.</exception>
    void Authorize(Principal principal, KmsAction action, string? keyId);
}

/// <summary>The administrator may do everything, and nobody else anything.</summary>
internal sealed class AdministratorOnly : IAccessPolicy
{
    public void Authorize(Principal principal, KmsAction action, string? keyId)
    {
        if (!principal.IsAdministrator)
        {
            throw KmsError.PermissionDenied.Exception();
        }
    }
}
