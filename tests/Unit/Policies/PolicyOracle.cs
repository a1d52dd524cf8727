using System.Numerics;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>
/// What policies mean, written in another way than the evaluator: nothing is compiled, patterns are regular expressions, addresses are
/// strings of bits, and the answer is one question over all statements that match.
/// </summary>
internal static class PolicyOracle
{
    /// <summary>A call of which everything is known.</summary>
    /// <param name="Operation">What is asked for.</param>
    /// <param name="Key">The key; null for none.</param>
    /// <param name="Source">An address, in full: bytes in decimal or groups in hexadecimal.</param>
    /// <param name="Now">Minutes since some time.</param>
    /// <param name="AssociatedData">Associated data as text.</param>
    /// <param name="Kind">The kind of ciphertext.</param>
    /// <param name="Spec">The key's spec.</param>
    /// <param name="Protection">The key's protection.</param>
    /// <param name="Principal">Who asks.</param>
    internal sealed record Request(
        KmsOperation Operation, string? Key, string Source, DateTimeOffset Now, string? AssociatedData, CiphertextKind Kind, string Spec,
        KeyProtection Protection, string Principal);

    public static bool Allows(IEnumerable<Policy> policies, Request request, bool isOfKey)
    {
        var statements = policies.SelectMany(policy => policy.Statements).ToList();
        var effects = statements.Where(statement => Matches(statement, request)).Select(statement => statement.Effect).ToHashSet();
        var needsAllow = !isOfKey || statements.Exists(statement => statement.Effect == PolicyEffect.Allow);
        return !effects.Contains(PolicyEffect.Deny) && (effects.Count == 1 || !needsAllow);
    }

    private static bool Matches(PolicyStatement statement, Request request) =>
        statement.Actions.Any(action => new[] { "*", request.Operation.Name, $"{request.Operation.Group}".ToLowerInvariant() }.Contains(action))
        && (statement.Keys.Count == 0 || statement.Keys.Any(pattern => Glob(pattern, request.Key)))
        && (statement.Principals is not { } principals || principals.Any(pattern => Glob(pattern, request.Principal)))
        && Conditions(statement.When ?? new(), request).All(holds => holds);

    private static IEnumerable<bool> Conditions(PolicyConditions when, Request request)
    {
        yield return when.Source?.Any(network => Network(network, request.Source)) != false;
        yield return !(request.Now < when.NotBefore);
        yield return !(request.Now > when.NotAfter);
        yield return when.AssociatedDataPrefix is not { } prefix
            || (request.AssociatedData ?? "").StartsWith(string.Concat(prefix.Select(b => (char)b)), StringComparison.Ordinal);
        yield return when.Kind is not { } kind || kind == request.Kind;
        yield return when.Protection is not { } protection || protection == request.Protection;
        yield return when.Specs?.Contains(request.Spec) != false;
    }

    private static bool Glob(string pattern, string? name) => name is null
        ? pattern == "*"
        : Regex.IsMatch(name, @"\A" + Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal) + @"\z");

    private static bool Network(string network, string address)
    {
        var (prefix, length) = (network.Split('/')[0], int.Parse(network.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture));
        return prefix.Contains(':', StringComparison.Ordinal) == address.Contains(':', StringComparison.Ordinal)
            && Bits(prefix)[..length] == Bits(address)[..length];
    }

    // The test's addresses are written in full.
    private static string Bits(string address) => address.Contains(':', StringComparison.Ordinal)
        ? string.Concat(address.Split(':').Select(group => Binary(Convert.ToInt32(group, 16), 16)))
        : string.Concat(address.Split('.').Select(part => Binary(Convert.ToInt32(part, 10), 8)));

    private static string Binary(BigInteger value, int bits) => Convert.ToString((int)value, 2).PadLeft(bits, '0');
}
