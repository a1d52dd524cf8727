using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.WebConsole;

/// <summary>A key spec, for a form.</summary>
/// <param name="Name">The spec.</param>
/// <param name="Usages">Its usages, the default first.</param>
internal sealed record SpecFact(string Name, string[] Usages);

/// <summary>A session that has begun.</summary>
/// <param name="Key">The key to the cookie.</param>
/// <param name="EndsAt">When it ends at the latest.</param>
/// <param name="Dashboard">Whether this process serves the dashboard and the user may see it.</param>
internal sealed record SessionAnswer(string Key, DateTime EndsAt, bool Dashboard);

/// <summary>How the console's own JSON is written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SpecFact[]))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(SessionAnswer))]
internal sealed partial class ConsoleJson : JsonSerializerContext;
