using System.Globalization;
using System.Text.RegularExpressions;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Rest.Reference;

/// <summary>
/// Fills in the values of limits. Field docs refer to a limit by cref, which the OpenAPI generator writes as the member's type and name. So
/// a limit in the reference always has the value of the table that the service checks.
/// </summary>
internal static partial class ReferenceLimits
{
    /// <summary>Replaces references to limits and settings in a JSON text by their values. A line break before one is escaped there.</summary>
    /// <exception cref="InvalidOperationException">There is no such limit or setting.</exception>
    public static string Fill(string text) => MemberName().Replace(text, match => Value(match.Groups["table"].Value, match.Groups["member"].Value));

    private static string Value(string table, string member)
    {
        var type = table == nameof(KmsLimits) ? typeof(KmsLimits) : typeof(SettingTable);
        return (type.GetField(member)?.GetValue(null) ?? type.GetProperty(member)?.GetValue(null)) switch
        {
            TimeSpan duration => Iso8601Duration.Format(duration),
            Setting setting => setting.DefaultText.Trim('`'),
            IConvertible number => Number(number.ToInt64(CultureInfo.InvariantCulture), isLength: member.EndsWith("Bytes", StringComparison.Ordinal)),
            _ => throw new InvalidOperationException($"Internal error: there is no limit {table}.{member}."),
        };
    }

    // Up to 1,024 bytes, a number reads better.
    private static string Number(long number, bool isLength) => number switch
    {
        > 1024 when isLength && number % (1 << 20) == 0 => string.Create(CultureInfo.InvariantCulture, $"{number >> 20} MiB"),
        > 1024 when isLength && number % (1 << 10) == 0 => string.Create(CultureInfo.InvariantCulture, $"{number >> 10} KiB"),
        _ => number.ToString("N0", CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(@"(?:\b|(?<=\\n))(?:int|long|TimeSpan|\w+Setting) (?<table>KmsLimits|SettingTable)\.(?<member>\w+)")]
    private static partial Regex MemberName();
}
