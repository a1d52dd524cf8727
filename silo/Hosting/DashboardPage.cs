using Orleans.Dashboard;
using OrleansKms.Gateway;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Silo.Hosting;

/// <summary>The Orleans Dashboard, for administrators only.</summary>
internal static class DashboardPage
{
    /// <summary>Adds it to the silo, if it is wanted: its profiling costs nearly half of a call within a process.</summary>
    public static ISiloBuilder AddDashboardPage(this ISiloBuilder silo, Settings settings) =>
        // Without the trace, which would stream every log line of the process to the browser.
        settings.Dashboard ? silo.AddDashboard(options => options.HideTrace = true) : silo;

    /// <summary>Serves it.</summary>
    public static void MapDashboardPage(this WebApplication app, Settings settings)
    {
        if (settings.Dashboard) app.MapOrleansDashboard("/dashboard").RequireAuthorization(GatewayPolicies.Administrator);
    }
}
