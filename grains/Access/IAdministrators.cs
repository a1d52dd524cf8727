namespace OrleansKms.Grains.Access;

/// <summary>Tells whether an administrator asked.</summary>
public interface IAdministrators
{
    /// <summary>Refuses whoever is not proven to be an administrator, whatever the request says of who asks.</summary>
    /// <param name="proof">The proof that came with the request; or null.</param>
    /// <exception cref="KmsException">permission_denied; storage_unavailable if nobody can tell.</exception>
    ValueTask Require(AdministratorProof? proof);
}

/// <summary>Administrators as the cluster's row <c>access</c> has them.</summary>
internal sealed class ClusterAdministrators(IGrainFactory grains) : IAdministrators
{
    private static readonly CredentialsQuery _query = new(new Caller("silo", "silo", "administrator"));

    /// <inheritdoc/>
    public async ValueTask Require(AdministratorProof? proof)
    {
        // Known no more than a few seconds ago, or for as long as sign-in holds while the database is away.
        var known = proof is null ? null : await grains.GetGrain<IAccessGrain>(0).ListCredentials(_query);
        KnownAdministrator.Require(proof, known?.AdministratorTokenSha256);
    }
}

/// <summary>The one administrator of a process that runs alone.</summary>
/// <param name="tokenSha256">SHA-256 of the administrator's token; 32 bytes.</param>
public sealed class KnownAdministrator(byte[] tokenSha256) : IAdministrators
{
    /// <inheritdoc/>
    public ValueTask Require(AdministratorProof? proof)
    {
        Require(proof, tokenSha256);
        return default;
    }

    internal static void Require(AdministratorProof? proof, byte[]? tokenSha256)
    {
        if (proof is null || tokenSha256 is null || !proof.Matches(tokenSha256)) throw KmsError.PermissionDenied.Exception();
    }
}
