namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>What can happen to a key.</summary>
public enum KeyEvent
{
    /// <summary>Description, tags, rotation plan or minimum version change.</summary>
    Update,
    /// <summary>A new primary version is made.</summary>
    Rotate,
    /// <summary>A new primary version is imported.</summary>
    Import,
    /// <summary>The key becomes usable.</summary>
    Enable,
    /// <summary>The key becomes unusable.</summary>
    Disable,
    /// <summary>The deletion of the key is scheduled.</summary>
    ScheduleDeletion,
    /// <summary>The deletion of the key is cancelled.</summary>
    CancelDeletion,
    /// <summary>One version is enabled, disabled or destroyed.</summary>
    ChangeVersion,
    /// <summary>The deletion is due: the material is erased.</summary>
    Destroy,
}

/// <summary>What can happen to one version of a key.</summary>
public enum KeyVersionEvent
{
    /// <summary>It becomes usable.</summary>
    Enable,
    /// <summary>It becomes unusable.</summary>
    Disable,
    /// <summary>The destruction of the version is scheduled.</summary>
    ScheduleDestruction,
    /// <summary>The destruction of the version is cancelled.</summary>
    CancelDestruction,
    /// <summary>The destruction is due: its material is erased.</summary>
    Destroy,
}

/// <summary>
/// The life of keys and versions as pure functions: which state follows which event, and which error forbids it. Knows no clock,
/// no storage and no cryptography.
/// </summary>
public static class KeyLifecycle
{
    /// <summary>The state after an event.</summary>
    /// <param name="state">The current state.</param>
    /// <param name="happening">The event.</param>
    /// <param name="hasVersions">Whether the key ever had material.</param>
    /// <exception cref="KmsException">The event is not allowed in this state.</exception>
    public static KeyState Next(KeyState state, KeyEvent happening, bool hasVersions = true) => (state, happening) switch
    {
        (KeyState.Destroyed, _) => throw KmsError.KeyDestroyed.Exception(),

        (KeyState.PendingDeletion, KeyEvent.CancelDeletion) => hasVersions ? KeyState.Disabled : KeyState.PendingImport,
        (KeyState.PendingDeletion, KeyEvent.Destroy) => KeyState.Destroyed,
        (KeyState.PendingDeletion, _) => throw KmsError.KeyPendingDeletion.Exception(),

        (_, KeyEvent.CancelDeletion) => throw KmsError.Conflict.Exception("The key is not scheduled for deletion."),
        (_, KeyEvent.Destroy) => throw KmsError.Conflict.Exception("The key is not scheduled for deletion."),
        (_, KeyEvent.ScheduleDeletion) => KeyState.PendingDeletion,
        (_, KeyEvent.Update) => state,

        (KeyState.PendingImport, KeyEvent.Import) => KeyState.Enabled,
        (KeyState.PendingImport, _) => throw KmsError.KeyPendingImport.Exception(),
        (KeyState.Disabled, KeyEvent.Rotate or KeyEvent.Import) => throw KmsError.KeyDisabled.Exception(),

        (_, KeyEvent.Enable) => KeyState.Enabled,
        (_, KeyEvent.Disable) => KeyState.Disabled,
        (_, KeyEvent.Rotate or KeyEvent.Import or KeyEvent.ChangeVersion) => state,
        _ => throw new InvalidOperationException($"internal error: no rule for {happening} in {state}"),
    };

    /// <summary>The state of a version after an event.</summary>
    /// <param name="state">The current state.</param>
    /// <param name="happening">The event.</param>
    /// <exception cref="KmsException">The event is not allowed in this state.</exception>
    public static KeyVersionState Next(KeyVersionState state, KeyVersionEvent happening) => (state, happening) switch
    {
        (KeyVersionState.Destroyed, KeyVersionEvent.ScheduleDestruction) => KeyVersionState.Destroyed,
        (KeyVersionState.Destroyed, _) => throw KmsError.VersionNotUsable.Exception("The key version is destroyed."),

        (KeyVersionState.PendingDestruction, KeyVersionEvent.CancelDestruction) => KeyVersionState.Disabled,
        (KeyVersionState.PendingDestruction, KeyVersionEvent.Destroy) => KeyVersionState.Destroyed,
        (KeyVersionState.PendingDestruction, KeyVersionEvent.Enable or KeyVersionEvent.Disable) =>
            throw KmsError.VersionNotUsable.Exception("The destruction of the key version is scheduled; cancel that first."),

        (_, KeyVersionEvent.CancelDestruction or KeyVersionEvent.Destroy) =>
            throw KmsError.Conflict.Exception("The key version is not scheduled for destruction."),
        (_, KeyVersionEvent.ScheduleDestruction) => KeyVersionState.PendingDestruction,
        (_, KeyVersionEvent.Enable) => KeyVersionState.Enabled,
        (_, KeyVersionEvent.Disable) => KeyVersionState.Disabled,
        _ => throw new InvalidOperationException($"internal error: no rule for {happening} in {state}"),
    };

    /// <summary>Throws unless a key in this state can be used.</summary>
    /// <param name="state">The current state.</param>
    /// <exception cref="KmsException">The error that names the state.</exception>
    public static void RequireUsable(KeyState state)
    {
        if (WhyNotUsable(state) is { } error)
        {
            throw error.Exception();
        }
    }

    /// <summary>Why a key in this state cannot be used; null when it can.</summary>
    /// <param name="state">The current state.</param>
    public static KmsError? WhyNotUsable(KeyState state) => state switch
    {
        KeyState.Enabled => null,
        KeyState.Disabled => KmsError.KeyDisabled,
        KeyState.PendingImport => KmsError.KeyPendingImport,
        KeyState.PendingDeletion => KmsError.KeyPendingDeletion,
        KeyState.Destroyed => KmsError.KeyDestroyed,
        _ => KmsError.KeyCorrupted,
    };
}
