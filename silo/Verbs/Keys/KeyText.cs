using System.Globalization;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>A key for people.</summary>
internal static class KeyText
{
    /// <summary>The heads of a list of keys.</summary>
    public static string[] Columns { get; } = ["ID", "SPEC", "USAGE", "STATE", "VERSION", "LAST USED"];

    /// <summary>A row of a list of keys.</summary>
    public static string?[] Row(JsonElement key) => key.Field("error") is { } error
        ? [key.Text("id"), "-", "-", error.Text("code"), "-", "-"]
        : [key.Text("id"), key.Text("spec"), key.Text("usage"), key.Text("state"), key.Text("primary_version"), Minute(LastUsed(key))];

    /// <summary>When a key was last used.</summary>
    public static string? LastUsed(JsonElement key) => key.Field("uses") is { } uses ? uses.Text("last_used_at") : null;

    /// <summary>A time to the minute.</summary>
    public static string? Minute(string? time) =>
        DateTime.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var value)
            ? value.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture)
            : time;

    /// <summary>Prints a key whole.</summary>
    public static async Task Print(VerbRun run, JsonElement key)
    {
        await run.Output.Fields(
            ("id", key.Text("id")),
            ("state", key.Text("state") + (key.Text("deletion_at") is { } at ? $", to be erased at {at}" : "")),
            ("spec", key.Text("spec")),
            ("usage", key.Text("usage")),
            ("algorithms", Joined(key.List("algorithms"))),
            ("protection", key.Text("protection")),
            ("origin", key.Text("origin") + (key.Flag("exportable") ? ", exportable" : "")),
            ("description", key.Text("description")),
            ("tags", key.Field("tags") is { } tags ? string.Join(", ", tags.EnumerateObject().Select(tag => $"{tag.Name}={tag.Value}")) : null),
            ("created", key.Text("created_at")),
            ("rotation", Rotation(key)),
            ("limits", string.Join(", ", key.List("limits").Select(Limit))),
            ("approval", key.Field("approval") is { } approval ? $"{Joined(approval.List("operations"))}: {approval.Text("required")} of {Joined(approval.List("approvers"))}" : null),
            ("uses", Uses(key)),
            ("last used", LastUsed(key) ?? "never"),
            ("decrypts from", key.Text("min_decrypt_version") is { } least and not "1" ? $"version {least}" : null));
        await PrintVersions(run, key);
    }

    /// <summary>Prints a key's versions.</summary>
    public static Task PrintVersions(VerbRun run, JsonElement key)
    {
        var primary = key.Text("primary_version");
        return run.Output.Table(["VERSION", "STATE", "CREATED", "USES", ""], [.. key.List("versions").Select(version => (string?[])
        [
            version.Text("version"), version.Text("state"), Minute(version.Text("created_at")), version.Text("uses"),
            version.Text("destroy_at") is { } at ? $"to be erased at {at}" : version.Text("version") == primary ? "primary" : version.Flag("public_only") ? "public key only" : "",
        ])]);
    }

    /// <summary>A limit, as <c>--limit</c> takes it.</summary>
    public static string Limit(JsonElement limit) => $"{limit.Text("count")}/{limit.Text("per")}" + (limit.Text("of") is { } of and not "use" ? $"/{of}" : "");

    /// <summary>Values with commas.</summary>
    public static string Joined(IEnumerable<JsonElement> values) => string.Join(", ", values.Select(value => value.ToString()));

    private static string? Rotation(JsonElement key)
    {
        if (key.Field("rotation") is not { } rotation) return null;
        string?[] parts =
        [
            rotation.Text("every") is { } every ? $"every {every}" : null,
            rotation.Text("after_uses") is { } uses ? $"after {uses} uses" : null,
            rotation.Text("next_at") is { } next ? $"next at {next}" : null,
        ];
        return string.Join(", ", parts.Where(part => part is not null));
    }

    private static string? Uses(JsonElement key) => key.Field("uses") is { } uses
        ? string.Join(", ", uses.EnumerateObject().Where(use => use.Value.ValueKind == JsonValueKind.Number && use.Value.GetInt64() > 0).Select(use => $"{use.Name} {use.Value}")) is { Length: > 0 } some ? some : "none"
        : null;
}
