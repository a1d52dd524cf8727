using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Access.Jwt;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Logging;
using OrleansKms.Gateway.Observability;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest;
using OrleansKms.Gateway.Rest.Reference;
using OrleansKms.Gateway.WebConsole;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Gateway.Hosting;

/// <summary>Adds the gateway to a host that has an Orleans client, or is itself a silo.</summary>
public static class GatewayExtensions
{
    /// <summary>Adds the gateway's services.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="options">The gateway's settings.</param>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it.</exception>
    public static IServiceCollection AddKmsGateway(this IServiceCollection services, GatewayOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<SizeLimits>();
        services.AddSingleton<RequestRate>();
        services.AddSingleton<NamespaceRules>();
        services.AddHostedService(provider => provider.GetRequiredService<NamespaceRules>());
        services.AddSingleton<FailedSignIns>();
        services.TryAddSingleton(ClusterLink.InProcess);
        // For a host that logs in its own way: it has the lines of requests to switch.
        services.TryAddSingleton(provider => new LogSwitch(LogLevel.Information, requests: true, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new Lazy<IGrainFactory>(provider.GetRequiredService<IGrainFactory>));
        AddPrincipals(services, options);
        services.AddSingleton<KeyFactsCache>();
        services.AddSingleton<MetricsToken>();
        if (options.Console)
        {
            services.AddSingleton<ConsoleSessions>();
            services.AddSingleton<ConsoleFiles>();
        }

        services.AddSingleton<Credentials>();
        services.AddSingleton<HealthProbe>();
        services.AddSingleton<ReferenceDocument>();
        services.TryAddSingleton(typeof(GrainReferences<>));
        services.AddSingleton<CallRecorder>();
        services.AddSingleton<OperationServices>();
        services.AddSingleton<Admission>();
        services.AddSingleton<RestServices>();
        services.AddSingleton<IWireProtocol, RestWire>();
        services.AddHostedService<Drain>();
        services.Configure<KestrelServerOptions>(server => Limit(server, options));
        services.AddSingleton<IMemoryPoolFactory<byte>, ConnectionMemory>();
        services.AddTelemetry(options);
        AddReference(services);
        AddAuthorization(services);
        return services;
    }

    /// <summary>
    /// Maps every route of the gateway. Call it before the host maps its own routes, which then require the same credentials.
    /// </summary>
    /// <param name="app">The host.</param>
    public static WebApplication MapKmsGateway(this WebApplication app)
    {
        Map(app, Routes.All);
        app.MapReference();
        if (app.Services.GetRequiredService<GatewayOptions>().Console) app.MapConsole();
        return app;
    }

    /// <summary>
    /// Maps the operators' routes of a process that serves no requests: health and metrics. Everything else is not found. Call it
    /// before the host maps its own routes, which then require the same credentials.
    /// </summary>
    /// <param name="app">The host.</param>
    public static WebApplication MapKmsOperation(this WebApplication app)
    {
        Map(app, Routes.Health);
        return app;
    }

    private static void Map(WebApplication app, IEnumerable<Route> routes)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseMiddleware<FrontDoor>();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        // Our own routes end before this: what they answer is recorded by grains.
        app.Use(RecordAnswered);
        foreach (var route in routes)
        {
            // The front door has already done what the rest of the pipeline would do.
            app.MapMethods(route.Pattern, [route.Method], route.Invoke)
                .WithMetadata(route, route.Operation!, route.Handler.Method)
                .ShortCircuit();
        }

        app.MapPrometheusScrapingEndpoint(Routes.Metrics.Pattern)
            .WithMetadata(Routes.Metrics, Routes.Metrics.Operation!)
            .RequireAuthorization(GatewayPolicies.Metrics);
    }

    /// <summary>Records requests that no grain answers: metrics, and the host's own routes.</summary>
    private static async Task RecordAnswered(HttpContext http, RequestDelegate next)
    {
        var exchange = Exchange.Of(http);
        if (exchange.Operation is { IsAudited: true } operation) await exchange.RecordAnswered(operation);
        await next(http);
    }

    private static void AddPrincipals(IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton<BearerTokens>();
        services.AddSingleton<JwtTokens>();
        services.AddSingleton<JwtIssuers>();
        services.AddHostedService(provider => provider.GetRequiredService<JwtIssuers>());
        services.AddSingleton<KnownPrincipals>();
        services.AddHostedService(provider => provider.GetRequiredService<KnownPrincipals>());
        if (options.ClientAuthorityFile is not null)
        {
            services.AddSingleton<ClientAuthorities>();
            services.AddSingleton<CertificateSignIn>();
            services.AddOptions<KestrelServerOptions>().Configure<ClientAuthorities>(ClientCertificates.Ask);
        }

        services.AddSingleton<TokenUses>();
        services.AddHostedService(provider => provider.GetRequiredService<TokenUses>());
        if (options.AdministratorTokenSha256 is not null)
        {
            services.AddSingleton<IPrincipalSource, AdministratorToken>();
            return;
        }

        services.AddSingleton<ClusterPrincipals>();
        services.AddSingleton<IPrincipalSource>(provider => provider.GetRequiredService<ClusterPrincipals>());
        services.AddHostedService(provider => provider.GetRequiredService<ClusterPrincipals>());
    }

    private static void Limit(KestrelServerOptions server, GatewayOptions options)
    {
        // The server counts for each listener, so a crowded one does not affect the probes' listener.
        server.Limits.MaxConcurrentConnections = options.MaxConnections;
        server.AddServerHeader = false;
        server.AllowSynchronousIO = false;
        // Each route has its own, lower limit; this one ends bodies that no route reads.
        server.Limits.MaxRequestBodySize = 32 << 20;
        server.Limits.MaxRequestLineSize = 8 * 1024;
        server.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        server.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        server.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        server.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
        server.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
    }

    // Two schemes, so that the framework treats neither as a default to run on every request. AddAuthentication would do the same
    // and add data protection, which nothing here uses and which writes keys into the user's home.
    private static void AddAuthorization(IServiceCollection services)
    {
        services.AddAuthenticationCore(authentication =>
        {
            authentication.DefaultChallengeScheme = PrincipalHandler.Bearer;
            authentication.DefaultForbidScheme = PrincipalHandler.Bearer;
        });
        services.AddWebEncoders();
        new AuthenticationBuilder(services)
            .AddScheme<AuthenticationSchemeOptions, PrincipalHandler>(PrincipalHandler.Bearer, null)
            .AddScheme<AuthenticationSchemeOptions, PrincipalHandler>(PrincipalHandler.Basic, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(GatewayPolicies.Operation, policy => policy.AddRequirements(new OperationRequirement(TakesScraper: false)))
            .AddPolicy(GatewayPolicies.Metrics, policy => policy.AddRequirements(new OperationRequirement(TakesScraper: true)));
        services.AddSingleton<IAuthorizationHandler, OperationHandler>();
    }

    // Generation of the OpenAPI document.
    private static void AddReference(IServiceCollection services)
    {
        services.Configure<JsonOptions>(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, RestJson.Default));
        services.AddOpenApi(ReferenceDocument.Name, options =>
        {
            options.OpenApiVersion = Microsoft.OpenApi.OpenApiSpecVersion.OpenApi3_1;
            // The host's own routes, such as the dashboard's, are not part of the API.
            options.ShouldInclude = description => ReferenceTransformers.RouteOf(description) is not null;
            options.AddDocumentTransformer(ReferenceTransformers.Describe);
            options.AddOperationTransformer(ReferenceTransformers.Describe);
            options.AddSchemaTransformer(ReferenceTransformers.Describe);
        });
    }
}
