namespace OrleansKms.Grains.Audit;

/// <summary>The health of the audit trail.</summary>
public interface IAuditHealth
{
    /// <summary>Whether it can be written; null if operations are not recorded.</summary>
    bool? IsHealthy { get; }
}
