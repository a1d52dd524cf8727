using Orleans.Dashboard;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Wires;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>The Orleans Dashboard, for administrators only.</summary>
internal static class DashboardPage
{
    private const string Path = "/dashboard";

    /// <summary>Adds it to the silo, if it is wanted: its profiling costs nearly half of a call within a process.</summary>
    public static ISiloBuilder AddDashboardPage(this ISiloBuilder silo, Settings settings) =>
        // Without the trace, which would stream every log line of the process to the browser.
        settings.Dashboard ? silo.AddDashboard(options => options.HideTrace = true) : silo;

    /// <summary>
    /// Serves it. Its routes are made when an administrator first asks for one: making them compresses all that its pages are made
    /// of, which takes half a second of processor and 75 MB.
    /// </summary>
    public static void MapDashboardPage(this WebApplication app, Settings settings)
    {
        if (!settings.Dashboard) return;
        var page = new LateBranch(() => Build(app.Services));
        app.Map(Path + "/{**rest}", http =>
        {
            if (!Exchange.Of(http).Services.Link.IsConnected) throw KmsError.Unavailable.Exception();
            return page.Invoke(http);
        }).WithMetadata(KmsOperation.SeeDashboard).RequireAuthorization(GatewayPolicies.Administrator);
    }

    private static RequestDelegate Build(IServiceProvider services)
    {
        var branch = new ApplicationBuilder(services);
        branch.UseRouting();
        branch.UseEndpoints(routes => routes.MapOrleansDashboard(Path));
        return branch.Build();
    }
}
