using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Aliases;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Limits;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Hosting;

/// <summary>Adds the grains to a silo.</summary>
public static class KmsGrainsExtensions
{
    /// <summary>The meter of everything that grains measure.</summary>
    public const string MeterName = KmsMeter.Name;

    /// <summary>Adds everything that key grains need besides storage.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">The operator's settings for keys.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static ISiloBuilder AddKmsGrains(this ISiloBuilder silo, KeyOptions options)
    {
        silo.Services.AddSingleton(options.Validated());
        silo.Services.AddRowTypes(KeyRowJson.Default);
        silo.Services.AddRowTypes(AliasRowJson.Default);
        silo.Services.AddRowTypes(LimitRowsJson.Default);
        silo.Services.AddRowTypes(AccessRowJson.Default);
        silo.Services.AddSingleton<AdministratorAccess>();
        silo.Services.AddSingleton<CallAudit>();
        silo.Services.AddSingleton<ChangeLines>();
        silo.Services.AddSingleton<KeyServices>();
        silo.Services.TryAddSingleton(typeof(GrainReferences<>));
        AddAccess(silo.Services);
        silo.Services.TryAddKeyedSingleton(ClockNames.Keys, TimeProvider.System);
        AddClocks(silo.Services);
        return silo;
    }

    private static void AddAccess(IServiceCollection services)
    {
        services.AddSingleton<SeenAccess>();
        services.AddSingleton<AccessFacts>();
        services.AddSingleton<PrincipalRows>();
        services.AddSingleton<PolicyRows>();
        services.AddSingleton<IPolicySource>(provider => provider.GetRequiredService<PolicyRows>());
        services.AddSingleton(provider => new ProvenPrincipals(
            provider.GetRequiredService<AccessFacts>(), provider.GetRequiredKeyedService<TimeProvider>(ClockNames.Keys)));
        services.AddSingleton<IPrincipalStanding, PrincipalStanding>();
        services.AddSingleton<IAdministrators>(provider => provider.GetService<OwnAdministrator>() is { } own
            ? new KnownAdministrator(own.TokenSha256, provider.GetRequiredService<ProvenPrincipals>())
            : new ClusterAdministrators(provider.GetRequiredService<IGrainFactory>(), provider.GetRequiredService<ProvenPrincipals>()));
    }

    private static void AddClocks(IServiceCollection services)
    {
        services.TryAddSingleton<BootClock>();
        services.TryAddSingleton<ReferenceClock>(provider => provider.GetRequiredService<Database>() is { IsShared: true } shared
            ? new DatabaseClock(shared)
            : new UptimeClock(provider.GetRequiredKeyedService<TimeProvider>(ClockNames.Keys), provider.GetRequiredService<BootClock>()));
        services.AddSingleton(provider => new ErasureClock(
            provider.GetRequiredKeyedService<TimeProvider>(ClockNames.Keys), provider.GetRequiredService<ReferenceClock>(),
            provider.GetRequiredService<ILogger<ErasureClock>>()));
        services.AddSingleton<ClockWatch>();
        services.AddSingleton<IClockHealth>(provider => provider.GetRequiredService<ClockWatch>());
        services.AddHostedService(provider => provider.GetRequiredService<ClockWatch>());
    }
}
