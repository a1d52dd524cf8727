namespace OrleansKms;

/// <summary>The decision of policies on a call.</summary>
internal enum AccessDecision
{
    /// <summary>Refused: nothing allows it, or something denies it.</summary>
    Denied,

    /// <summary>Allowed.</summary>
    Allowed,

    /// <summary>Depends on the message, which is not known yet: its associated data or its ciphertext's kind.</summary>
    DependsOnMessage,

    /// <summary>Depends on the key's spec or protection, which are not known yet.</summary>
    DependsOnKey,
}
