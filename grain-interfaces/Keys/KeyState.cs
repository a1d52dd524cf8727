namespace OrleansKms;

/// <summary>Where a key is in its life.</summary>
[GenerateSerializer, Alias("okms.KeyState")]
public enum KeyState
{
    /// <summary>Usable.</summary>
    Enabled = 0,
    /// <summary>Not usable until enabled again.</summary>
    Disabled = 1,
    /// <summary>Created to import its material, which has not arrived yet.</summary>
    PendingImport = 2,
    /// <summary>Not usable; its material is erased at the deletion time unless the deletion is cancelled.</summary>
    PendingDeletion = 3,
    /// <summary>A tombstone: the material is gone and the id is never reused.</summary>
    Destroyed = 4,
}
