using System.Text;

namespace OrleansKms.Grains.Access;

/// <summary>Tells whether somebody asked who may administer.</summary>
public interface IAdministrators
{
    /// <summary>
    /// Refuses whoever is not proven to be the administrator, or a principal whose policies allow the operation, whatever the request
    /// says of who asks.
    /// </summary>
    /// <param name="proof">The proof that came with the request; or null.</param>
    /// <param name="operation">What is asked for.</param>
    /// <exception cref="KmsException">permission_denied; storage_unavailable if nobody can tell.</exception>
    ValueTask Require(AdministratorProof? proof, KmsOperation operation);
}

/// <summary>What both kinds of installation have in common: principals, whose policies this silo reads itself.</summary>
internal sealed class ProvenPrincipals(AccessFacts facts, TimeProvider time)
{
    /// <summary>Refuses whoever does not show the token of a principal that may do it.</summary>
    public async ValueTask Require(AdministratorProof? proof, KmsOperation operation)
    {
        if (proof is not { Token.Length: > 0 and < 256 } || !ApiToken.TryReadId(Encoding.ASCII.GetString(proof.Token), out var id))
        {
            throw KmsError.PermissionDenied.Exception(
                "Access and key-encryption keys are administered by API token or as the administrator; other credentials prove nothing to a silo.");
        }

        var principal = await facts.Find(CredentialName.OfToken(id.ToString()));
        if (principal is not { IsEnabled: true, TokenSha256: { } hash } || !proof.Matches(hash)
            || principal.ExpiresAt <= time.GetUtcNow() || !MayDo(principal, operation))
        {
            throw KmsError.PermissionDenied.Exception();
        }
    }

    // Where the call came from only a gateway could say, so a policy with networks allows nothing here.
    private bool MayDo(PrincipalFacts principal, KmsOperation operation) => CompiledPolicies.Of(principal.Policies)
        .Decide(operation, null, new() { Now = time.GetUtcNow(), Principal = principal.Name }) == AccessDecision.Allowed;
}

/// <summary>The administrator as the cluster's row <c>access</c> has it.</summary>
internal sealed class ClusterAdministrators(IGrainFactory grains, ProvenPrincipals principals) : IAdministrators
{
    private static readonly CredentialsQuery _query = new(new Caller("silo", "silo", "administrator"));

    /// <inheritdoc/>
    public async ValueTask Require(AdministratorProof? proof, KmsOperation operation)
    {
        // Known no more than a few seconds ago, or for as long as sign-in holds while the database is away.
        var known = proof is null ? null : await grains.GetGrain<IAccessGrain>(0).ListCredentials(_query);
        if (known?.AdministratorTokenSha256 is { } hash && proof!.Matches(hash)) return;
        await principals.Require(proof, operation);
    }
}

/// <summary>The one administrator of a process that runs alone.</summary>
/// <param name="tokenSha256">SHA-256 of the administrator's token; 32 bytes.</param>
/// <param name="principals">Who may administer besides.</param>
internal sealed class KnownAdministrator(byte[] tokenSha256, ProvenPrincipals principals) : IAdministrators
{
    /// <inheritdoc/>
    public ValueTask Require(AdministratorProof? proof, KmsOperation operation) =>
        proof is not null && proof.Matches(tokenSha256) ? default : principals.Require(proof, operation);
}

/// <summary>The administrator of a process that runs alone, for the host.</summary>
/// <param name="TokenSha256">SHA-256 of the token; 32 bytes.</param>
public sealed record OwnAdministrator(byte[] TokenSha256);
