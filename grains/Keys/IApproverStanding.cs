namespace OrleansKms.Grains.Keys;

/// <summary>Tells whether somebody who has approved could still do so.</summary>
public interface IApproverStanding
{
    /// <summary>Whether a principal may sign in, and its policies leave it the right to approve operations of a key.</summary>
    /// <param name="principal">The principal's name.</param>
    /// <param name="keyId">The key.</param>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    ValueTask<bool> MayApprove(string principal, string keyId);
}
