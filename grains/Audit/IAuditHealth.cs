namespace OrleansKms.Grains.Audit;

/// <summary>Tells whether the audit trail is written.</summary>
public interface IAuditHealth
{
    /// <summary>Whether it is; null where operations are not recorded.</summary>
    bool? IsHealthy { get; }
}
