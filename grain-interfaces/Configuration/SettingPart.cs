namespace OrleansKms.Configuration;

/// <summary>The part of a process that a setting affects. Without that part it has no effect, and the process says so.</summary>
internal enum SettingPart
{
    /// <summary>The process itself.</summary>
    Process,

    /// <summary>The HTTP interface to keys, which a silo may leave to others.</summary>
    Gateway,

    /// <summary>Membership in a cluster, which a silo that runs alone lacks.</summary>
    Cluster,

    /// <summary>An HSM.</summary>
    Hsm,

    /// <summary>A root key in a file.</summary>
    RootKeyFile,
}
