namespace OrleansKms.Gateway.Access;

/// <summary>
/// Decides what a principal may do. Every handler comes through here before it calls a grain, with the id that an alias
/// stands for, and once for each item of a batch.
/// </summary>
internal interface IAccessPolicy
{
    /// <summary>Lets the operation pass or refuses it.</summary>
    /// <param name="principal">Who asks.</param>
    /// <param name="operation">What for.</param>
    /// <param name="keyId">The key, or null where none is named.</param>
    /// <exception cref="KmsException">permission_denied, whether or not the key exists.</exception>
    void Authorize(Principal principal, KmsOperation operation, string? keyId);
}
