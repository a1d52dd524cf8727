using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The operations on principals. The caller has been checked already. A credential's row is written before the principal's row names it,
/// and removed after it no longer does; the principal's row is authoritative.
/// </summary>
internal sealed class Principals(
    PrincipalRows rows, AccessLedger ledger, AccessFacts facts, IPolicySource policies, TimeProvider time, ChangeLines changes)
{
    // Ended tokens stay listed for a while, so that people see why one stopped working.
    private static readonly TimeSpan _endedTokensStay = TimeSpan.FromDays(7);

    public async Task<PrincipalDescription> Create(CreatePrincipal request)
    {
        PrincipalRules.CheckNewName(request.Name);
        PrincipalRules.CheckDescription(request.Description);
        Check(request.Policies, request.Certificates, request.Jwt);
        var limits = PrincipalRules.ReadLimits(request.Limits);
        var slot = await rows.Open(request.Name);
        if (slot.Row is { Removed: false }) throw KmsError.PrincipalExists.Exception();
        await RequirePolicies(request.Policies);
        var now = time.GetUtcNow();
        await Write(request.Name, slot, request.Caller, KmsOperation.CreatePrincipal, new()
        {
            Incarnation = slot.Row?.Incarnation ?? Incarnation.New(),
            Description = request.Description,
            Policies = request.Policies,
            Limits = limits,
            Certificates = request.Certificates,
            Jwt = request.Jwt,
            CreatedAt = now,
            UpdatedAt = now,
        });
        return Described(request.Name, slot.Row!);
    }

    public async Task<PrincipalDescription> Describe(string name) =>
        Described(name, await rows.Find(name) ?? throw KmsError.PrincipalNotFound.Exception());

    public async Task<PrincipalPage> List(ListPrincipals request)
    {
        if (request.Limit is < 1 or > KmsLimits.PageItems || !PrincipalName.IsValidPrefix(request.Prefix)
            || (request.After is not null && !PrincipalName.IsValid(request.After)))
        {
            throw KmsError.InvalidParameter.Exception();
        }

        var (found, next) = await rows.List(request.Prefix, request.After, request.Limit);
        return new([.. found.Select(one => Described(one.Name, one.Row))], next is not null);
    }

    public async Task<PrincipalDescription> Update(UpdatePrincipal request)
    {
        PrincipalRules.CheckDescription(request.Description.Value);
        Check(request.Policies ?? [], request.Certificates ?? [], request.Jwt ?? []);
        var limits = PrincipalRules.ReadLimits(request.Limits ?? []);
        var (slot, row) = await Load(request.Name);
        await RequirePolicies(request.Policies ?? []);
        await Write(request.Name, slot, request.Caller, KmsOperation.UpdatePrincipal, row with
        {
            Description = request.Description.IsSet ? request.Description.Value : row.Description,
            Policies = request.Policies ?? row.Policies,
            Limits = request.Limits is null ? row.Limits : limits,
            Certificates = request.Certificates ?? row.Certificates,
            Jwt = request.Jwt ?? row.Jwt,
        });
        return Described(request.Name, slot.Row!);
    }

    public async Task<PrincipalDescription> SetEnabled(PrincipalCommand request, bool isEnabled)
    {
        var (slot, row) = await Load(request.Name);
        if (row.Disabled == isEnabled)
        {
            var operation = isEnabled ? KmsOperation.EnablePrincipal : KmsOperation.DisablePrincipal;
            await Write(request.Name, slot, request.Caller, operation, row with { Disabled = !isEnabled });
        }

        return Described(request.Name, slot.Row!);
    }

    public async Task Delete(PrincipalCommand request)
    {
        var (slot, row) = await Load(request.Name);
        await Write(request.Name, slot, request.Caller, KmsOperation.DeletePrincipal, new()
        {
            Incarnation = row.Incarnation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            Removed = true,
        });
    }

    public async Task<CreatedToken> CreateToken(CreateToken request)
    {
        PrincipalRules.CheckDescription(request.Description);
        PrincipalRules.CheckTokenLife(request.ExpiresIn);
        var (slot, row) = await Load(request.Name);
        var now = time.GetUtcNow();
        var kept = Array.FindAll(row.Tokens, token => token.ExpiresAt + _endedTokensStay > now);
        if (kept.Length >= KmsLimits.PrincipalTokens)
        {
            throw KmsError.Conflict.Exception($"A principal can have at most {KmsLimits.PrincipalTokens} tokens; revoke one.");
        }

        var (id, text) = ApiToken.New();
        var token = new TokenEntry(id, ApiToken.Hash(text), request.Description, now, now + request.ExpiresIn);
        await Write(request.Name, slot, request.Caller, KmsOperation.CreateToken, row with { Tokens = [.. kept, token] }, id);
        return new(id, text, token.ExpiresAt);
    }

    public async Task<TokenDescription[]> ListTokens(string name)
    {
        var row = await rows.Find(name) ?? throw KmsError.PrincipalNotFound.Exception();
        var uses = await rows.Uses(name);
        return Array.ConvertAll(row.Tokens, token => new TokenDescription(
            token.Id, token.Description, token.CreatedAt, token.ExpiresAt, uses.TryGetValue(token.Id, out var at) ? at : null));
    }

    public async Task RevokeToken(RevokeToken request)
    {
        var (slot, row) = await Load(request.Name);
        if (!Array.Exists(row.Tokens, token => token.Id == request.TokenId))
        {
            throw KmsError.NotFound.Exception("The principal has no such token.");
        }

        await Write(request.Name, slot, request.Caller, KmsOperation.RevokeToken, row with
        {
            Tokens = Array.FindAll(row.Tokens, token => token.Id != request.TokenId),
        }, request.TokenId);
    }

    private static void Check(string[] policies, string[] certificates, JwtIdentity[] jwt)
    {
        PrincipalRules.CheckPolicies(policies);
        PrincipalRules.CheckCertificates(certificates);
        PrincipalRules.CheckJwt(jwt);
    }

    private async Task RequirePolicies(string[] names)
    {
        var view = await facts.View();
        foreach (var name in names)
        {
            _ = await policies.Find(name, view) ?? throw KmsError.PolicyNotFound.Exception();
        }
    }

    private async Task<(RowSlot<PrincipalRow> Slot, PrincipalRow Row)> Load(string name)
    {
        if (!PrincipalName.IsValid(name)) throw KmsError.PrincipalNotFound.Exception();
        var slot = await rows.Open(name);
        return slot.Row is { Removed: false } row ? (slot, row) : throw KmsError.PrincipalNotFound.Exception();
    }

    private async Task Write(
        string name, RowSlot<PrincipalRow> slot, Caller caller, KmsOperation operation, PrincipalRow next, string? tokenId = null)
    {
        var before = (slot.Row?.Credentials ?? []).ToHashSet(StringComparer.Ordinal);
        var after = next.Credentials.ToHashSet(StringComparer.Ordinal);
        foreach (var credential in after.Except(before))
        {
            await rows.RequireFree(credential, name);
        }

        changes.RequireRoom();
        await ledger.Change(PrincipalRow.LedgerName(name), async () =>
        {
            foreach (var credential in after.Except(before)) await rows.Assign(credential, name);
            await slot.Write(next with { Stamp = ledger.Stamp, UpdatedAt = time.GetUtcNow() });
            foreach (var credential in before.Except(after)) await rows.Release(credential, name);
        });
        await changes.AccessChanged(PrincipalRow.LedgerName(name), operation, caller, tokenId is null ? null : $"token {tokenId}");
    }

    private static PrincipalDescription Described(string name, PrincipalRow row) => new()
    {
        Name = name,
        Description = row.Description,
        IsEnabled = !row.Disabled,
        Policies = row.Policies,
        Limits = row.Limits,
        Certificates = row.Certificates,
        Jwt = row.Jwt,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };
}
