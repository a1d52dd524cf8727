using OrleansKms.Gateway.Access;

namespace OrleansKms.Gateway.Operations;

// What the caller may do. This calls no grain, except for an alias, and for facts of a key that the caller's policies depend on.
internal abstract partial class Call
{
    /// <summary>The operation of which all others in the call are part, if any: if it is denied by name, they are too.</summary>
    public KmsOperation? PartOf { get; set; }

    /// <summary>The caller.</summary>
    /// <exception cref="KmsException">unauthenticated.</exception>
    private Principal Asker => Principal ?? throw KmsError.Unauthenticated.Exception();

    private AccessContext Context => new() { Now = Services.Time.GetUtcNow(), Source = Address };

    /// <summary>Authorizes an operation that names no key.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void Authorize(KmsOperation operation)
    {
        if (!Allows(operation, null)) throw Denied();
        WhenAuthorized();
    }

    /// <summary>Authorizes an operation that lists what the caller may see.</summary>
    /// <exception cref="KmsException">permission_denied: the caller may see nothing.</exception>
    public void AuthorizeSome(KmsOperation operation)
    {
        RequireSome(operation);
        WhenAuthorized();
    }

    /// <summary>Refuses a caller who may do it with no key at all, before anything else is examined.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void RequireSome(KmsOperation operation)
    {
        if (Asker.IsAdministrator)
        {
            WhenAuthorized();
            return;
        }

        if (!RequestRights.MayAllowSome(Asker.Compiled, operation, Context)) throw Denied();
    }

    /// <summary>Whether the operation is allowed for every possible key.</summary>
    public bool IsAllowedAnywhere(KmsOperation operation) =>
        Asker.IsAdministrator || Asker.Compiled.AllowsEvery(operation, Context.With(null, CiphertextKind.None));

    /// <summary>Resolves an id, or <c>alias:</c> and a name, to a key id, and authorizes the operation for it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="operation">
    /// The operation. If it has a message that the policies look at, it is judged again with it (<see cref="Judge"/>).
    /// </param>
    /// <param name="facts">The facts of a key that the request creates.</param>
    /// <exception cref="KmsException">invalid_key_id, alias_not_found, permission_denied.</exception>
    public ValueTask<string> ResolveKey(string text, KmsOperation operation, KeyFacts? facts = null)
    {
        if (OrleansKms.KeyId.IsValid(text))
        {
            var judged = AuthorizeKey(text, operation, facts);
            if (!judged.IsCompletedSuccessfully) return WhenJudged(judged);
            var counting = Count(operation, text, 1);
            return counting.IsCompletedSuccessfully ? ValueTask.FromResult(text) : Counted(counting, text);
        }

        return text.StartsWith(OrleansKms.KeyId.AliasPrefix, StringComparison.Ordinal)
            ? ResolveNamed(text[OrleansKms.KeyId.AliasPrefix.Length..], operation)
            : throw KmsError.InvalidKeyId.Exception();

        async ValueTask<string> WhenJudged(ValueTask judged)
        {
            await judged;
            return await Counted(Count(operation, text, 1), text);
        }
    }

    /// <summary>Resolves an alias, and authorizes the operation for its key.</summary>
    /// <exception cref="KmsException">
    /// invalid_key_id; permission_denied; alias_not_found, but only if the caller may use every key.
    /// </exception>
    public async ValueTask<AliasDescription> ResolveAlias(string name, KmsOperation operation)
    {
        RequireSome(operation);
        if (!OrleansKms.KeyId.IsValid(name))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        HasSpentTime();
        try
        {
            var alias = await Services.Aliases.Of(name).Resolve(new AliasCommand(Caller) { IsStep = true });
            await AuthorizeKey(alias.KeyId, operation);
            return alias;
        }
        catch (KmsException e) when (e.Error == KmsError.AliasNotFound && !IsAllowedAnywhere(operation))
        {
            // An alias of a key that the caller may not use must look the same.
            throw Denied();
        }
    }

    /// <summary>
    /// Judges an operation, already authorized for a key, with its message. It completes synchronously unless the caller's policies look at
    /// facts of the key that are not known here yet.
    /// </summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public ValueTask Judge(KmsOperation operation, string keyId, byte[]? associatedData, CiphertextKind kind) =>
        Asker.IsAdministrator ? default : Require(operation, keyId, Context.With(associatedData, kind));

    /// <summary>Judges the items of a request one by one.</summary>
    public async ValueTask<ItemJudge> JudgeOfItems(KmsOperation operation, string keyId)
    {
        if (Asker.IsAdministrator || Decide(operation, keyId, Context) == AccessDecision.Allowed) return default;
        var facts = Asker.Compiled.LooksAtKeys ? await Services.KeyFacts.Find(this, keyId) : null;
        return new(this, operation, keyId, Context with { Key = facts });
    }

    /// <summary>Refuses an operation that is decided under other names if it is denied by its own.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public void RequireNotDenied(KmsOperation operation, string keyId, byte[]? associatedData, CiphertextKind kind)
    {
        if (!Asker.IsAdministrator && Asker.Compiled.Denies(operation, keyId, Context.With(associatedData, kind))) throw Denied();
    }

    /// <summary>Whether an operation without a message would be allowed, as far as is known here.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="keyId">The key; null if it names none.</param>
    public bool Allows(KmsOperation operation, string? keyId) =>
        Decide(operation, keyId, Context.With(null, CiphertextKind.None)) == AccessDecision.Allowed;

    /// <summary>Whether the caller may see a key in a list.</summary>
    public async ValueTask<bool> MaySee(KmsOperation operation, string keyId)
    {
        try
        {
            await Require(operation, keyId, Context.With(null, CiphertextKind.None));
            return true;
        }
        catch (KmsException e) when (e.Error == KmsError.PermissionDenied)
        {
            return false;
        }
    }

    /// <summary>The decision on an operation of a caller who is not the administrator.</summary>
    internal AccessDecision Decide(KmsOperation operation, string? keyId, in AccessContext context) =>
        Asker.IsAdministrator ? AccessDecision.Allowed : RequestRights.DecidePart(Asker.Compiled, PartOf, operation, keyId, context);

    private static KmsException Denied() => KmsError.PermissionDenied.Exception();

    /// <summary>Authorizes an operation for a key.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    public ValueTask AuthorizeKey(string keyId, KmsOperation operation, KeyFacts? facts = null)
    {
        var context = Context with { HasMessage = !operation.HasMessage, Key = facts };
        var decision = Decide(operation, keyId, context);
        if (decision == AccessDecision.DependsOnKey) return WhenKnown();
        Require(decision);
        WhenAuthorized();
        return default;

        async ValueTask WhenKnown()
        {
            await Require(operation, keyId, context);
            WhenAuthorized();
        }
    }

    private ValueTask Require(KmsOperation operation, string keyId, AccessContext context)
    {
        var decision = Decide(operation, keyId, context);
        if (decision == AccessDecision.DependsOnKey) return WhenKnown();
        Require(decision);
        return default;

        async ValueTask WhenKnown()
        {
            // A key that does not exist has no spec for a policy to allow.
            var facts = await Services.KeyFacts.Find(this, keyId) ?? throw Denied();
            Require(Decide(operation, keyId, context with { Key = facts }));
        }
    }

    // What depends on the message is judged once it has been read.
    private static void Require(AccessDecision decision)
    {
        if (decision is not (AccessDecision.Allowed or AccessDecision.DependsOnMessage)) throw Denied();
    }

    private async ValueTask<string> ResolveNamed(string name, KmsOperation operation)
    {
        var alias = await ResolveAlias(name, operation);
        return await Counted(Count(operation, alias.KeyId, 1), alias.KeyId);
    }
}
