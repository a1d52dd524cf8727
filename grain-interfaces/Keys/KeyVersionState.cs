namespace OrleansKms;

/// <summary>Where one version of a key is in its life.</summary>
[GenerateSerializer, Alias("okms.KeyVersionState")]
public enum KeyVersionState
{
    /// <summary>Usable.</summary>
    Enabled = 0,
    /// <summary>Not usable until enabled again.</summary>
    Disabled = 1,
    /// <summary>The material is gone for ever.</summary>
    Destroyed = 2,
    /// <summary>Not usable; its material is erased at its destruction time unless that is cancelled.</summary>
    PendingDestruction = 3,
}
