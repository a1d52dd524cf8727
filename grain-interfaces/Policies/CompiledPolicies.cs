using System.Collections.Concurrent;

namespace OrleansKms;

/// <summary>
/// The policies of one principal, or the policy of one key, compiled once for many decisions. Deny wins, and what nothing allows is
/// refused. The statements that concern an operation and a key are cached per pair, so that a decision allocates nothing; finding them is
/// linear in the statements and their patterns.
/// </summary>
internal sealed class CompiledPolicies
{
    /// <summary>The name of the built-in administrator, to whom no policy applies.</summary>
    public const string Unbound = "admin";

    /// <summary>The maximum number of cached pairs of operation and key.</summary>
    public const int MaxRemembered = 4096;

    private static readonly AboutKey _nothing = new(false, []);
    private static readonly AboutKey _everything = new(true, []);

    private readonly ConcurrentDictionary<(int Operation, string KeyId), AboutKey> _remembered = new();
    private readonly CompiledStatement[]?[] _statements = new CompiledStatement[KmsOperation.All.Count][];
    private readonly AboutKey?[] _ofEveryKey = new AboutKey?[KmsOperation.All.Count];
    private readonly bool _allowsByDefault;
    private int _count;

    private CompiledPolicies(IEnumerable<Policy> policies, bool isOfKey)
    {
        var all = policies.Select(policy => policy.Statements.Select((statement, index) => (policy.Name, index, statement))).SelectMany(s => s).ToArray();
        _allowsByDefault = isOfKey && !Array.Exists(all, one => one.statement.Effect == PolicyEffect.Allow);
        LooksAtSource = Array.Exists(all, one => one.statement.When is { Source: not null });
        LooksAtKeys = Array.Exists(all, one => one.statement.When is { Specs: not null } or { Protection: not null });
        var byOperation = new Dictionary<int, List<CompiledStatement>>();
        foreach (var (policy, index, statement) in all)
        {
            var compiled = new CompiledStatement(policy, index, statement);
            foreach (var operation in statement.Actions.SelectMany(PolicyActions.Of).Distinct())
            {
                if (!byOperation.TryGetValue(operation.Index, out var list)) byOperation[operation.Index] = list = [];
                list.Add(compiled);
            }
        }

        foreach (var (index, list) in byOperation)
        {
            _statements[index] = [.. list];
            if (list.TrueForAll(statement => statement.MatchesEveryKey)) _ofEveryKey[index] = About(_statements[index]!, null);
        }
    }

    /// <summary>The statements that decide for one operation and one key.</summary>
    /// <param name="Allows">Whether a statement allows it unconditionally.</param>
    /// <param name="Conditional">The conditional statements.</param>
    private sealed record AboutKey(bool Allows, CompiledStatement[] Conditional);

    /// <summary>Allows nothing.</summary>
    public static CompiledPolicies None { get; } = Of([]);

    /// <summary>The number of cached pairs of operation and key.</summary>
    internal int Remembered => _remembered.Count;

    /// <summary>Whether any statement looks at the caller's address.</summary>
    public bool LooksAtSource { get; }

    /// <summary>Whether any statement looks at facts of keys.</summary>
    public bool LooksAtKeys { get; }

    /// <summary>The policies of a principal.</summary>
    public static CompiledPolicies Of(IEnumerable<Policy> policies) => new(policies, isOfKey: false);

    /// <summary>
    /// A key's own policy, which only narrows. If it has an allow statement, only what that allows passes; with deny statements alone, it
    /// refuses just what they match.
    /// </summary>
    public static CompiledPolicies OfKey(Policy policy) => new([policy], isOfKey: true);

    /// <summary>Decides. For an operation that names no key, the key is null and only statements for <c>*</c> apply.</summary>
    public AccessDecision Decide(KmsOperation operation, string? keyId, in AccessContext context)
    {
        var about = Find(operation, keyId);
        return about.Conditional.Length == 0
            ? about.Allows ? AccessDecision.Allowed : AccessDecision.Denied
            : Decide(about, context);
    }

    /// <summary>
    /// Whether a statement denies, by its own name, an operation that is decided under other names: a batch, a move to another key.
    /// Undecided conditions count as denied.
    /// </summary>
    public bool Denies(KmsOperation operation, string? keyId, in AccessContext context)
    {
        foreach (var statement in _statements[operation.Index] ?? [])
        {
            if (statement.Effect == PolicyEffect.Deny && statement.IsAbout(keyId) && statement.Holds(context) != ConditionResult.Fails) return true;
        }

        return false;
    }

    /// <summary>Whether the operation may be allowed for some key, as far as that can be known without the key.</summary>
    public bool MayAllowSome(KmsOperation operation, in AccessContext context)
    {
        if (DeniesEvery(operation, context)) return false;
        var may = _allowsByDefault;
        foreach (var statement in _statements[operation.Index] ?? [])
        {
            may |= statement.Effect == PolicyEffect.Allow && statement.Holds(context) != ConditionResult.Fails;
        }

        return may;
    }

    /// <summary>Whether the operation is allowed for every possible key.</summary>
    public bool AllowsEvery(KmsOperation operation, in AccessContext context)
    {
        var allows = _allowsByDefault;
        foreach (var statement in _statements[operation.Index] ?? [])
        {
            var holds = statement.Holds(context);
            if (statement.Effect == PolicyEffect.Allow) allows |= statement.MatchesEveryKey && holds == ConditionResult.Holds;
            else if (holds != ConditionResult.Fails) return false;
        }

        return allows;
    }

    /// <summary>Whether the operation is denied for every possible key.</summary>
    public bool DeniesEvery(KmsOperation operation, in AccessContext context)
    {
        foreach (var statement in _statements[operation.Index] ?? [])
        {
            if (statement is { Effect: PolicyEffect.Deny, MatchesEveryKey: true } && statement.Holds(context) == ConditionResult.Holds) return true;
        }

        return false;
    }

    /// <summary>The statements about an operation, in order, for listings and explanations.</summary>
    public IReadOnlyList<CompiledStatement> StatementsOf(KmsOperation operation) => _statements[operation.Index] ?? [];

    /// <summary>The statements that decide: those that deny or, if there are none, those that allow.</summary>
    public CompiledStatement[] Explain(KmsOperation operation, string? keyId, AccessContext context)
    {
        CompiledStatement[] matching =
            [.. StatementsOf(operation).Where(s => s.IsAbout(keyId) && s.Holds(context) == ConditionResult.Holds)];
        var denying = Array.FindAll(matching, s => s.Effect == PolicyEffect.Deny);
        return denying.Length > 0 ? denying : matching;
    }

    private static AccessDecision Decide(AboutKey about, in AccessContext context)
    {
        AccessDecision? denies = null;
        var allows = about.Allows ? AccessDecision.Allowed : AccessDecision.Denied;
        foreach (var statement in about.Conditional)
        {
            var holds = statement.Holds(context);
            if (holds == ConditionResult.Fails) continue;
            if (statement.Effect == PolicyEffect.Allow) allows = Better(allows, Of(holds));
            else if (holds == ConditionResult.Holds) return AccessDecision.Denied;
            else denies = denies == AccessDecision.DependsOnMessage ? denies : Of(holds);
        }

        return allows == AccessDecision.Denied ? AccessDecision.Denied : denies ?? allows;
    }

    private static AccessDecision Of(ConditionResult holds) => holds switch
    {
        ConditionResult.Holds => AccessDecision.Allowed,
        ConditionResult.DependsOnMessage => AccessDecision.DependsOnMessage,
        _ => AccessDecision.DependsOnKey,
    };

    // A definite allow decides; next best is one that needs only the message, which comes anyway.
    private static AccessDecision Better(AccessDecision one, AccessDecision other) =>
        one == AccessDecision.Allowed || other == AccessDecision.Denied ? one
        : one == AccessDecision.DependsOnMessage && other == AccessDecision.DependsOnKey ? one
        : other;

    private AboutKey Find(KmsOperation operation, string? keyId)
    {
        if (_ofEveryKey[operation.Index] is { } every) return every;
        if (_statements[operation.Index] is not { } statements) return _allowsByDefault ? _everything : _nothing;
        if (keyId is null) return About(statements, null);
        return _remembered.TryGetValue((operation.Index, keyId), out var about) ? about : Remember(operation, keyId, statements);
    }

    private AboutKey Remember(KmsOperation operation, string keyId, CompiledStatement[] statements)
    {
        // Callers can name any id, so the cache is bounded; recomputing is cheap.
        if (Interlocked.Increment(ref _count) > MaxRemembered)
        {
            _remembered.Clear();
            Volatile.Write(ref _count, 1);
        }

        var about = About(statements, keyId);
        _remembered[(operation.Index, keyId)] = about;
        return about;
    }

    private AboutKey About(CompiledStatement[] statements, string? keyId)
    {
        var allows = _allowsByDefault;
        List<CompiledStatement>? conditional = null;
        foreach (var statement in statements)
        {
            if (!statement.IsAbout(keyId)) continue;
            if (statement.IsConditional) (conditional ??= []).Add(statement);
            else if (statement.Effect == PolicyEffect.Deny) return _nothing;
            else allows = true;
        }

        return conditional is null ? allows ? _everything : _nothing : new(allows, [.. conditional]);
    }
}
