namespace OrleansKms.Configuration;

/// <summary>Which processes take a setting; the others refuse to start with it.</summary>
internal enum SettingTaker
{
    /// <summary>Silos, and gateways that are processes of their own.</summary>
    SiloAndGateway,

    /// <summary>Silos and their commands alone.</summary>
    Silo,
}
