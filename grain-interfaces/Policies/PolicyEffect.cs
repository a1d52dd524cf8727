namespace OrleansKms;

/// <summary>What a statement does when it matches.</summary>
[GenerateSerializer, Alias("okms.PolicyEffect")]
public enum PolicyEffect
{
    /// <summary>Allows it, unless another statement denies it.</summary>
    Allow = 0,
    /// <summary>Denies it, whatever else allows it.</summary>
    Deny = 1,
}
