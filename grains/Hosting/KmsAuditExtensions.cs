using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Hosting;

/// <summary>Adds the audit trail to a silo.</summary>
public static class KmsAuditExtensions
{
    /// <summary>Adds this silo's log.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">How operations are recorded.</param>
    public static ISiloBuilder AddKmsAudit(this ISiloBuilder silo, AuditOptions options)
    {
        silo.Services.AddSingleton(options);
        silo.Services.AddRowTypes(AuditRowJson.Default);
        silo.Services.TryAddSingleton<AuditSecrets>();
        silo.Services.TryAddSingleton<AuditAnchors>();
        silo.Services.AddSingleton<AuditIndex>();
        silo.Services.AddSingleton<AuditCopying>();
        silo.Services.AddSingleton<AuditWitness>();
        silo.Services.AddSingleton<AuditUpkeep>();
        silo.Services.AddSingleton<AuditLog>();
        silo.Services.AddSingleton<IAuditHealth>(provider => provider.GetRequiredService<AuditLog>());
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<AuditLog>());
        return silo;
    }
}
