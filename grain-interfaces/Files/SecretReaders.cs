namespace OrleansKms.Files;

/// <summary>Who may read a file with a secret besides its owner. Nobody else may change one.</summary>
internal enum SecretReaders
{
    /// <summary>Nobody: for files that this process makes.</summary>
    Nobody,

    /// <summary>
    /// The group, where root owns the file and this process is somebody else: how a platform lends a key (a mounted secret, a service's
    /// credentials).
    /// </summary>
    GroupOfRoots,

    /// <summary>
    /// The group: for files that an operator or a platform puts there, which reach a process that is not root by its group, or by an
    /// access list, which shows as the group.
    /// </summary>
    Group,
}
