using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Service;

/// <summary>Whether the service works, and which of its parts.</summary>
internal sealed class HealthAnswer
{
    public const string Healthy = "healthy";
    public const string Unhealthy = "unhealthy";

    /// <summary>healthy or unhealthy.</summary>
    public required string Status { get; init; }

    /// <summary>Each part that this installation has.</summary>
    public HealthChecks? Checks { get; init; }

    /// <summary>What is wrong, in words, where the checks alone do not say it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Problems { get; init; }

    /// <summary>The specs of which keys can be created in the HSM. Absent where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? HsmSpecs { get; init; }

    public static string Of(bool healthy) => healthy ? Healthy : Unhealthy;
}

/// <summary>The parts: healthy or unhealthy.</summary>
internal sealed class HealthChecks
{
    /// <summary>Whether a silo answers, and has said who may sign in.</summary>
    public required string Cluster { get; init; }

    /// <summary>Whether the silo's last probe of the database succeeded.</summary>
    public required string Database { get; init; }

    /// <summary>Whether the silo's last probe of the HSM succeeded and the HSM has not recently refused a key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Hsm { get; init; }

    /// <summary>Whether the silo's clock agrees with the database's.</summary>
    public required string Clock { get; init; }

    /// <summary>Whether the KEKs are as the root key vouches for. If not, the silo continues with those that it has.</summary>
    public required string Keks { get; init; }

    /// <summary>Whether the silo's audit trail can be written. While it cannot, operations are refused.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Audit { get; init; }

    /// <summary>Whether the keys of all JWT issuers are known. While those of one are not, nobody signs in by its tokens.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Issuers { get; init; }
}

/// <summary>Says whether every part works.</summary>
internal static class HealthEndpoint
{
    public static async Task Handle(RestExchange exchange) => await Answer(exchange, await exchange.Rest.Health.Current(), health => health.IsHealthy);

    /// <summary>Says that the process runs, and nothing about what it depends on.</summary>
    public static Task HandleLive(RestExchange exchange) =>
        exchange.Answer(new HealthAnswer { Status = HealthAnswer.Healthy }, RestJson.Default.HealthAnswer);

    /// <summary>
    /// Says whether requests should be sent here: everything works except perhaps the HSM, without which software keys go on, and
    /// the process is not about to stop.
    /// </summary>
    public static async Task HandleReady(RestExchange exchange)
    {
        var health = await exchange.Rest.Health.Current();
        await Answer(exchange, exchange.Rest.Health.IsStopping ? health.Stopping() : health, h => h.IsReady);
    }

    private static Task Answer(
        RestExchange exchange, Observability.Health health, Func<Observability.Health, bool> isGood)
    {
        var good = isGood(health);
        if (!good)
        {
            exchange.Http.Response.Headers.RetryAfter = "1";
        }

        var answer = new HealthAnswer
        {
            Status = HealthAnswer.Of(good),
            Checks = new HealthChecks
            {
                Cluster = HealthAnswer.Of(health.Cluster),
                Database = HealthAnswer.Of(health.Database),
                Hsm = health.Hsm is { } hsm ? HealthAnswer.Of(hsm) : null,
                Clock = HealthAnswer.Of(health.ClockProblem is null),
                Keks = HealthAnswer.Of(health.KekProblem is null),
                Audit = health.Audit is { } audit ? HealthAnswer.Of(audit) : null,
                Issuers = health.Issuers is { } issuers ? HealthAnswer.Of(issuers) : null,
            },
            Problems = health.Problems is { Count: > 0 } problems ? problems : null,
            HsmSpecs = health.HsmSpecs,
        };
        return exchange.Answer(
            answer, RestJson.Default.HealthAnswer, good ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
