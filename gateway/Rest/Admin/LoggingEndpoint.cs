using System.Globalization;
using System.Text.Json.Serialization;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Logging;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Admin;

/// <summary>What the process that answers shall log. What is left out goes back to its settings.</summary>
internal sealed class LoggingBody
{
    /// <summary>The lowest level: trace, debug, info, warn or error.</summary>
    public string? Level { get; set; }

    /// <summary>Whether each request has its line, which is of the level info.</summary>
    public bool? Requests { get; set; }

    /// <summary>How long that holds (ISO 8601), from a second to a week; by default as long as the process runs.</summary>
    [JsonPropertyName("expires_in")]
    public string? ExpiresIn { get; set; }
}

/// <summary>What the process that answers logs.</summary>
internal sealed class LoggingAnswer
{
    /// <summary>The process: the name of its machine, or container, and its number there.</summary>
    public required string Process { get; init; }

    /// <summary>The lowest level.</summary>
    public required string Level { get; init; }

    /// <summary>Whether each request has its line.</summary>
    public required bool Requests { get; init; }

    /// <summary>When the process goes back to its settings.</summary>
    [JsonPropertyName("expires_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? ExpiresAt { get; init; }
}

/// <summary>Returns and changes what this process logs.</summary>
internal static class LoggingEndpoint
{
    private static readonly string _process = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{Environment.ProcessId}");

    public static async Task HandleDescribe(RestExchange exchange) => await Answer(exchange, await LogCommands.Describe(exchange));

    public static async Task HandleSet(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.LoggingBody, SizeLimits.ControlBody);
        TimeSpan? life = body.ExpiresIn is null ? null : Durations.Parse(body.ExpiresIn, "expires_in");
        await Answer(exchange, await LogCommands.Set(exchange, LevelOf(body.Level), body.Requests, life));
    }

    private static Task Answer(RestExchange exchange, LogChoice choice) => exchange.Answer(
        new LoggingAnswer
        {
            Process = _process,
            Level = LevelNames.Of(choice.Level),
            Requests = choice.Requests,
            ExpiresAt = choice.Until?.UtcDateTime,
        },
        RestJson.Default.LoggingAnswer);

    private static LogLevel? LevelOf(string? name) =>
        name is null ? null
        : SettingTable.LogLevel.Words.Contains(name) ? LevelNames.Named(name)
        : throw KmsError.InvalidParameter.Exception($"'level' must be {SettingTable.LogLevel.Rule}.");
}
