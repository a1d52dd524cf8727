using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Rest.Reference;
using OrleansKms.Tests.Cluster;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>The documents of the checkout against each other and against the code.</summary>
public sealed partial class DocumentsTests
{
    private const int MaxReadmeLines = 200;

    internal static readonly string Root = Repository.Root;

    /// <summary>Every document of the repository.</summary>
    public static TheoryData<string> Documents => new(
        Directory.EnumerateFiles(Root, "*.md", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden })
            .Select(path => Path.GetRelativePath(Root, path))
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "artifacts" or "node_modules")));

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_LeadToAFileAndAHeadingOfTheRepository(string document)
    {
        var path = Path.Combine(Root, document);
        var broken = Link().Matches(WithoutCode(File.ReadAllText(path)))
            .Select(link => link.Groups["target"].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !Leads(path, target));
        Assert.Empty(broken);
    }

    [Fact]
    public void Readme_IsShort() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Root, "README.md")).Length, 1, MaxReadmeLines);

    [Fact]
    public void TableOfLimits_IsThatOfTheContract()
    {
        var readme = File.ReadAllText(Path.Combine(Root, "gateway", "README.md"));
        Assert.Contains(string.Create(CultureInfo.InvariantCulture,
            $"""
            | plaintext | 1 byte to {KmsLimits.DefaultPlaintextBytes >> 10} KiB; up to {KmsLimits.PlaintextBytes >> 20} MiB by `{SettingTable.MaxPlaintextBytes}` |
            | associated data | {KmsLimits.AssociatedDataBytes >> 10} KiB |
            | message to sign | as plaintext, and may be empty; context {KmsLimits.ContextBytes} bytes; signature to verify {KmsLimits.SignatureBytes >> 10} KiB |
            | data key, random bytes | {KmsLimits.DataKeyBytes:N0} bytes, {KmsLimits.RandomBytes:N0} bytes |
            | items of a batch | {KmsLimits.BatchItems:N0}, {KmsLimits.BatchBytes >> 20} MiB together |
            | keys created by one request | {KmsLimits.BatchItems:N0}; its body {KmsLimits.BatchBytes >> 20} MiB |
            | page of a list | {KmsLimits.PageItems:N0} keys, aliases or events |
            | key id, alias | {KmsLimits.IdLength} characters |
            | description | {KmsLimits.DescriptionLength:N0} characters |
            | tags | {KmsLimits.Tags}, names of {KmsLimits.TagNameLength} characters, values of {KmsLimits.TagValueLength} |
            | versions of a key | {KmsLimits.Versions:N0}; their public keys {KmsLimits.PublicKeyBytes >> 20} MiB together |
            | backup of a key | {KmsLimits.BackupBytes >> 20} MiB |
            | rotation | every `{Iso8601Duration.Format(KmsLimits.MinRotation)}` to `{Iso8601Duration.Format(KmsLimits.MaxRotation)}`, or after at most {KmsLimits.MaxRotationUses:N0} uses |
            | limits of a key, principal or namespace | {KmsLimits.LimitRules}, each of 1 to {KmsLimits.MaxLimitCount:N0} per `{Iso8601Duration.Format(KmsLimits.MinLimitWindow)}` to `{Iso8601Duration.Format(KmsLimits.MaxLimitWindow)}` |
            | dual control | 1 to {KmsLimits.RequiredApprovals} approvals, {KmsLimits.ApproverPatterns} patterns of approvers, `{Iso8601Duration.Format(KmsLimits.MinApprovalExpiry)}` to `{Iso8601Duration.Format(KmsLimits.MaxApprovalExpiry)}` (by default `{Iso8601Duration.Format(KmsLimits.DefaultApprovalExpiry)}`); {KmsLimits.PendingApprovals} operations of a key wait at once |
            | wait before a deletion or destruction | up to `{Iso8601Duration.Format(KmsLimits.MaxDeletionDelay)}`; by default `{Iso8601Duration.Format(KmsLimits.DefaultDeletionDelay)}` for a key and `{Iso8601Duration.Format(KmsLimits.DefaultDestructionDelay)}` for a version, and never less than `{SettingTable.MinDeletionDelay}` |
            | policy | {KmsLimits.PolicyStatements} statements, {KmsLimits.PolicyBytes >> 10} KiB; {KmsLimits.PoliciesOfPrincipal} policies of a principal |
            | time-out of a request | `{Iso8601Duration.Format(KmsLimits.MinRequestTimeout)}` to `{Iso8601Duration.Format(KmsLimits.MaxRequestTimeout)}` |
            """), readme, StringComparison.Ordinal);
    }

    [Fact]
    public void TableOfErrors_NamesEveryCodeWithItsStatusAndNoOther() =>
        Assert.Equal(
            KmsError.All.Values.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Status} {e.Code}")).Order(StringComparer.Ordinal),
            ErrorRow().Matches(File.ReadAllText(Path.Combine(Root, "gateway", "README.md")))
                .Select(row => $"{row.Groups["status"].Value} {row.Groups["code"].Value}").Order(StringComparer.Ordinal));

    // A limit has one place; everything else refers to it, or says nothing.
    [Fact]
    public void DocComments_OfTheContract_StateNoLimitByItsNumber()
    {
        var numbers = LimitsAsText().ToList();
        var lines = Directory.EnumerateFiles(Path.Combine(Root, "grain-interfaces"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.EndsWith($"{nameof(KmsLimits)}.cs", StringComparison.Ordinal))
            .SelectMany(File.ReadLines)
            .Where(line => line.TrimStart().StartsWith("///", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.DoesNotContain(numbers, number => line.Contains(number, StringComparison.Ordinal)));
    }

    // Field docs are the text of the reference: there a cref becomes the limit's value.
    [Fact]
    public void DocComments_OfTheHttpInterface_StateNoLimitByItsNumber()
    {
        var lines = Directory.EnumerateFiles(Path.Combine(Root, "gateway", "Rest"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(File.ReadLines)
            .Where(line => line.TrimStart().StartsWith("///", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.DoesNotMatch(LimitInNumbers(), line));
    }

    [Fact]
    public void ReferenceLimits_AreThoseOfTheTable()
    {
        Assert.Equal(
            FormattableString.Invariant($"Up to\\n{KmsLimits.DescriptionLength:N0} characters, {KmsLimits.AssociatedDataBytes >> 10} KiB, {KmsLimits.BatchBytes >> 20} MiB, ")
            + FormattableString.Invariant($"{KmsLimits.DataKeyBytes:N0} bytes, P{KmsLimits.MaxTokenLife.Days}D, P{SettingTable.MinDeletionDelay.Default.Days}D."),
            ReferenceLimits.Fill(
                "Up to\\nint KmsLimits.DescriptionLength characters, int KmsLimits.AssociatedDataBytes, int KmsLimits.BatchBytes, int KmsLimits.DataKeyBytes bytes, "
                + "TimeSpan KmsLimits.MaxTokenLife, DurationSetting SettingTable.MinDeletionDelay."));
        Assert.Throws<InvalidOperationException>(() => ReferenceLimits.Fill("Up to int KmsLimits.NoSuchLimit characters."));
    }

    private static IEnumerable<string> LimitsAsText() =>
        typeof(KmsLimits).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null))
            .Concat(typeof(KmsLimits).GetProperties(BindingFlags.Public | BindingFlags.Static).Select(property => property.GetValue(null)))
            .SelectMany(value => value switch
            {
                TimeSpan { Days: > 0 } time => [$" {time.Days} days"],
                TimeSpan => [],
                _ => Written(Convert.ToInt64(value, CultureInfo.InvariantCulture)),
            });

    private static IEnumerable<string> Written(long number)
    {
        string[] numerals = [number.ToString(CultureInfo.InvariantCulture), number.ToString("N0", CultureInfo.InvariantCulture)];
        string[] units = ["bytes", "characters", "items", "keys", "ids", "tags", "versions", "random bytes", "uses"];
        return numerals.SelectMany(numeral => units.Select(unit => $" {numeral} {unit}"))
            .Append($" {number >> 10} KiB")
            .Append($" {number >> 20} MiB")
            .Where(text => !text.StartsWith(" 0 ", StringComparison.Ordinal));
    }

    private static bool Leads(string document, string target)
    {
        var parts = target.Split('#', 2);
        var path = parts[0].Length == 0 ? document : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(document)!, parts[0]));
        return parts.Length == 1 ? Path.Exists(path) : File.Exists(path) && Anchors(File.ReadAllText(path)).Contains(parts[1]);
    }

    private static HashSet<string> Anchors(string text) =>
        Heading().Matches(WithoutCode(text))
            .Select(heading => NotInAnchor().Replace(heading.Groups["text"].Value.ToLowerInvariant(), "").Replace(' ', '-'))
            .ToHashSet(StringComparer.Ordinal);

    private static string WithoutCode(string text) => Fence().Replace(text, "");

    [GeneratedRegex(@"\b(?:[Uu]p to|at most|to) \d|\d (?:KiB|MiB|characters|bytes|items)\b|\bP(?:\d+D|T\d)")]
    private static partial Regex LimitInNumbers();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^\| (?<status>\d{3}) \| `(?<code>[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex ErrorRow();
}
