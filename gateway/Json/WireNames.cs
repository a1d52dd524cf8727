using System.Collections.Frozen;
using System.Text.Json;

namespace OrleansKms.Gateway.Json;

/// <summary>The names of an enumeration's values in the HTTP API: snake_case.</summary>
internal static class WireNames<T>
    where T : struct, Enum
{
    private static readonly FrozenDictionary<T, string> _names = Enum.GetValues<T>()
        .ToFrozenDictionary(value => value, value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

    private static readonly FrozenDictionary<string, T> _values =
        _names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>A value's name.</summary>
    public static string Of(T value) => _names[value];

    /// <summary>The value of a name in the field of a request; null stays null.</summary>
    /// <exception cref="KmsException">invalid_parameter: no value has this name.</exception>
    public static T? Parse(string? name, string field) =>
        name is null ? null
        : _values.TryGetValue(name, out var value) ? value
        : throw KmsError.InvalidParameter.Exception($"'{field}' must be one of: {string.Join(", ", _names.Values)}.");
}
