using System.Reflection;
using System.Text.RegularExpressions;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Silo.Configuration;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>The table of settings against what processes read and what deploy/CONFIGURATION.md says.</summary>
public sealed partial class SettingTableTests
{
    private static readonly string _document = File.ReadAllText(Path.Combine(DocumentsTests.Root, "deploy", "CONFIGURATION.md"));

    [Fact]
    public void All_IsEverySetting()
    {
        var rows = typeof(SettingTable).GetProperties(BindingFlags.Static | BindingFlags.Public)
            .Where(property => property.PropertyType.IsAssignableTo(typeof(Setting)))
            .Select(property => (Setting)property.GetValue(null)!);
        Assert.Equal(rows.Order(_byName), SettingTable.All.Order(_byName));
    }

    [Fact]
    public void Silo_ReadsEverySetting() => Assert.Equal(Names(_ => true), Settings.Names.Order(StringComparer.Ordinal));

    [Fact]
    public void Gateway_ReadsWhatItTakes() =>
        Assert.Equal(Names(setting => setting.Taker == SettingTaker.SiloAndGateway), GatewaySettings.Names.Order(StringComparer.Ordinal));

    [Fact]
    public void Defaults_KeepTheirOwnRules() => Assert.All(SettingTable.All, setting => Assert.True(setting switch
    {
        NumberSetting { DefaultInWords: null } number => number.Allows(number.Default),
        DurationSetting duration => duration.Allows(duration.Default),
        ChoiceSetting choice => choice.Words.Contains(choice.Default),
        _ => true,
    }, setting.Name));

    [Fact]
    public void Document_ListsEverySettingWithItsTakersItsDefaultAndItsRange() => Assert.Equal(
        SettingTable.All.Select(setting => $"{setting.Name} {setting.Taker} | {setting.DefaultText} | {setting.RangeText}"),
        DocumentRow().Matches(_document).Select(row =>
            $"{row.Groups["name"].Value} {(row.Groups["gateway"].Success ? SettingTaker.SiloAndGateway : SettingTaker.Silo)} | {row.Groups["default"].Value} | {row.Groups["range"].Value}"));

    [Fact]
    public void Document_SaysWhatEachSettingIs() => Assert.All(
        DocumentRow().Matches(_document),
        row => Assert.StartsWith(SettingTable.Find(row.Groups["name"].Value)!.Meaning, row.Groups["meaning"].Value, StringComparison.Ordinal));

    private static readonly Comparer<Setting> _byName = Comparer<Setting>.Create((one, other) => string.CompareOrdinal(one.Name, other.Name));

    private static IEnumerable<string> Names(Func<Setting, bool> which) =>
        SettingTable.All.Where(which).Select(setting => setting.Name).Order(StringComparer.Ordinal);

    [GeneratedRegex(@"^\| `(?<name>[A-Z_]+)`(?<gateway> ᵍ)? \| (?<default>[^|]*) \| (?<range>[^|]*) \| (?<meaning>[^|]*) \|$", RegexOptions.Multiline)]
    private static partial Regex DocumentRow();
}
