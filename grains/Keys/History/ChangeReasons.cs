using System.Globalization;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.History;

/// <summary>Describes a change: which fields changed, and when something is due. It never includes a value that a caller chose.</summary>
internal static class ChangeReasons
{
    private const int MaxVersions = 20;

    private static readonly (string Name, Func<KeyRow, object?> Value)[] _fields =
    [
        ("description", row => row.Description),
        ("tags", row => row.Tags),
        ("rotation", row => row.Rotation),
        ("min_decrypt_version", row => row.MinDecryptVersion),
        ("limits", row => row.Limits),
        ("approval", row => row.Approval),
    ];

    /// <summary>The description of a change; null for nothing.</summary>
    /// <param name="row">The key before; null for a new key.</param>
    /// <param name="next">The key after.</param>
    public static string? Of(KeyRow? row, KeyRow next)
    {
        if (row is null)
        {
            return null;
        }

        if (!ReferenceEquals(row.Versions, next.Versions))
        {
            var scheduled = next.Versions.FirstOrDefault(v => v.DestroyAt is not null && v.DestroyAt != row.Find(v.Version)?.DestroyAt);
            return scheduled is null ? null : Due(scheduled.DestroyAt!.Value);
        }

        if (next.DeletionAt is { } at && at != row.DeletionAt)
        {
            return Due(at);
        }

        var changed = string.Join(", ", _fields.Where(f => !Equals(f.Value(row), f.Value(next))).Select(f => f.Name));
        return changed.Length == 0 ? null : changed;
    }

    /// <summary>Lists versions that changed together.</summary>
    public static string Versions(IReadOnlyCollection<int> versions)
    {
        var named = string.Join(", ", versions.Order().Take(MaxVersions).Select(v => v.ToString(CultureInfo.InvariantCulture)));
        return versions.Count <= MaxVersions
            ? $"versions {named}"
            : string.Create(CultureInfo.InvariantCulture, $"versions {named} and {versions.Count - MaxVersions} more");
    }

    private static string Due(DateTimeOffset at) =>
        "due " + at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
