using System.Text;

namespace OrleansKms.Grains.Access;

/// <summary>Checks that a caller may administer.</summary>
public interface IAdministrators
{
    /// <summary>
    /// Refuses a caller who is not proven to be the administrator, or a principal whose policies allow the operation. Nothing else the
    /// request says about its caller counts.
    /// </summary>
    /// <param name="proof">The proof sent with the request, if any.</param>
    /// <param name="operation">The requested operation.</param>
    /// <exception cref="KmsException">permission_denied; storage_unavailable if it cannot be checked.</exception>
    ValueTask Require(AdministratorProof? proof, KmsOperation operation);
}

/// <summary>What both kinds of installation share: principals, whose policies this silo reads itself.</summary>
internal sealed class ProvenPrincipals(AccessFacts facts, TimeProvider time)
{
    /// <summary>Refuses a caller without the token of a principal that may do it.</summary>
    public async ValueTask Require(AdministratorProof? proof, KmsOperation operation)
    {
        if (proof is not { Token.Length: > 0 and < 256 } || !ApiToken.TryReadId(Encoding.ASCII.GetString(proof.Token), out var id))
        {
            throw KmsError.PermissionDenied.Exception(
                "Administer access and key-encryption keys with an API token or as the administrator: a silo cannot verify other credentials.");
        }

        var principal = await facts.Find(CredentialName.OfToken(id.ToString()));
        if (principal is not { IsEnabled: true, TokenSha256: { } hash } || !proof.Matches(hash)
            || principal.ExpiresAt <= time.GetUtcNow() || !MayDo(principal, operation))
        {
            throw KmsError.PermissionDenied.Exception();
        }
    }

    // Only a gateway knows the caller's address, so a policy with networks allows nothing here.
    private bool MayDo(PrincipalFacts principal, KmsOperation operation) => CompiledPolicies.Of(principal.Policies)
        .Decide(operation, null, new() { Now = time.GetUtcNow(), Principal = principal.Name }) == AccessDecision.Allowed;
}

/// <summary>The administrator from the cluster's row <c>access</c>.</summary>
internal sealed class ClusterAdministrators(IGrainFactory grains, ProvenPrincipals principals) : IAdministrators
{
    private static readonly CredentialsQuery _query = new(new Caller("silo", "silo", "administrator"));

    /// <inheritdoc/>
    public async ValueTask Require(AdministratorProof? proof, KmsOperation operation)
    {
        // At most a few seconds old, or as old as sign-in permits while the database is down.
        var known = proof is null ? null : await grains.GetGrain<IAccessGrain>(0).ListCredentials(_query);
        if (known?.AdministratorTokenSha256 is { } hash && proof!.Matches(hash)) return;
        await principals.Require(proof, operation);
    }
}

/// <summary>The administrator of a stand-alone process.</summary>
/// <param name="tokenSha256">SHA-256 of the administrator's token; 32 bytes.</param>
/// <param name="principals">The principals that may also administer.</param>
internal sealed class KnownAdministrator(byte[] tokenSha256, ProvenPrincipals principals) : IAdministrators
{
    /// <inheritdoc/>
    public ValueTask Require(AdministratorProof? proof, KmsOperation operation) =>
        proof is not null && proof.Matches(tokenSha256) ? default : principals.Require(proof, operation);
}

/// <summary>The administrator of a stand-alone process, for the host.</summary>
/// <param name="TokenSha256">SHA-256 of the token; 32 bytes.</param>
public sealed record OwnAdministrator(byte[] TokenSha256);
