using Orleans.Dashboard;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Wires;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>The Orleans Dashboard, for administrators only.</summary>
internal static class DashboardPage
{
    private const string Path = "/dashboard";

    /// <summary>Adds it to the silo, if wanted: its profiling costs nearly half of an in-process call.</summary>
    public static ISiloBuilder AddDashboardPage(this ISiloBuilder silo, Settings settings)
    {
        if (!settings.Dashboard) return silo;
        // Without the trace, which would stream every log line of the process to the browser.
        silo.AddDashboard(options => options.HideTrace = true);
        if (settings.IsAllInOne) LateDashboardTelemetry.Defer(silo.Services);
        return silo;
    }

    /// <summary>
    /// Serves it. Its routes are built when an administrator first requests one: building them compresses the content of all its
    /// pages, which takes half a second of CPU and 75 MB.
    /// </summary>
    public static void MapDashboardPage(this WebApplication app, Settings settings)
    {
        if (!settings.Dashboard) return;
        var page = new LateBranch(() => Build(app.Services, settings));
        app.Map(Path + "/{**rest}", http =>
        {
            if (!Exchange.Of(http).Services.Link.IsConnected) throw KmsError.Unavailable.Exception();
            return page.Invoke(http);
        }).WithMetadata(KmsOperation.SeeDashboard).RequireAuthorization(GatewayPolicies.Operation);
    }

    private static RequestDelegate Build(IServiceProvider services, Settings settings)
    {
        if (settings.IsAllInOne) LateDashboardTelemetry.Begin(services);
        var branch = new ApplicationBuilder(services);
        branch.UseRouting();
        branch.UseEndpoints(routes => routes.MapOrleansDashboard(Path));
        return branch.Build();
    }
}
