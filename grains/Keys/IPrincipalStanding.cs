namespace OrleansKms.Grains.Keys;

/// <summary>Tells whether somebody who asked for an operation, or approved one, could still do so.</summary>
public interface IPrincipalStanding
{
    /// <summary>Whether a principal may sign in, and its policies allow an operation with a key now.</summary>
    /// <param name="principal">The principal's name.</param>
    /// <param name="source">The address it called from at the time; null if unknown, which is in no network.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="keyId">The key.</param>
    /// <param name="facts">The key's facts that policies look at.</param>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    ValueTask<bool> May(string principal, string? source, KmsOperation operation, string keyId, KeyFacts facts);
}
