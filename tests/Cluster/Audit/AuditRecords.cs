using System.Text.Json;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>The records of audit trails, as their files have them.</summary>
internal static class AuditRecords
{
    /// <summary>All records in the logs of a data directory; of a log that is being written, those whose lines are whole.</summary>
    public static IEnumerable<JsonElement> In(string dataDirectory) =>
        from log in Directory.GetDirectories(Path.Combine(dataDirectory, "audit"))
        from file in Directory.GetFiles(Path.Combine(log, "records"))
        from line in Lines(file)
        select JsonDocument.Parse(line).RootElement;

    private static string[] Lines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
