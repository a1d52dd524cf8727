namespace OrleansKms.Files;

/// <summary>Who may read a file with a secret besides its owner. Nobody else may change it.</summary>
internal enum SecretReaders
{
    /// <summary>Nobody: for files that this process creates.</summary>
    Nobody,

    /// <summary>
    /// The group, if root owns the file and this process is another user: how a platform hands over a key (a mounted secret, a
    /// service's credentials).
    /// </summary>
    GroupOfRoots,

    /// <summary>
    /// The group: for files supplied by an operator or a platform, which reach a process other than root through its group, or
    /// through an access list, which shows as the group.
    /// </summary>
    Group,
}
