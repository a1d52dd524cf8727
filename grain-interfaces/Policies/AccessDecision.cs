namespace OrleansKms;

/// <summary>What policies say of a call.</summary>
internal enum AccessDecision
{
    /// <summary>It is refused: nothing allows it, or something denies it.</summary>
    Denied,

    /// <summary>It is allowed.</summary>
    Allowed,

    /// <summary>It depends on the message, which is not known yet: its associated data, the kind of its ciphertext.</summary>
    DependsOnMessage,

    /// <summary>It depends on the key's spec or protection, which are not known yet.</summary>
    DependsOnKey,
}
