using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Keys;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Changes principals and policies. It is a single activation, so that changes run one after another and the rules between rows hold; reads
/// interleave. Each kind of thing has a file with its methods, one line each.
/// </summary>
[GrainType("access-administration")]
public sealed partial class AccessAdministrationGrain : Grain, IPrincipalsGrain
{
    private readonly IAdministrators _administrators;
    private readonly AccessFacts _facts;
    private readonly AccessLedger _ledger;
    private readonly Principals _principals;
    private readonly Policies _policies;
    private readonly CallAudit _audit;
    private readonly ILogger _logger;

    /// <summary>Makes an activation. Nothing is read before the first call.</summary>
    public AccessAdministrationGrain(IServiceProvider services, ILogger<AccessAdministrationGrain> logger)
    {
        // Their types are not public.
        _administrators = services.GetRequiredService<IAdministrators>();
        _facts = services.GetRequiredService<AccessFacts>();
        _ledger = new(services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Sealed));
        _principals = new(
            services.GetRequiredService<PrincipalRows>(), _ledger, _facts,
            services.GetRequiredService<IPolicySource>(), services.GetRequiredKeyedService<TimeProvider>(ClockNames.Keys),
            services.GetRequiredService<ChangeLines>());
        _policies = new(
            services.GetRequiredService<PolicyRows>(), services.GetRequiredService<PrincipalRows>(), _ledger,
            _facts, services.GetRequiredService<IGrainFactory>(),
            services.GetRequiredKeyedService<TimeProvider>(ClockNames.Keys), services.GetRequiredService<ChangeLines>());
        _audit = services.GetRequiredService<CallAudit>();
        _logger = logger;
    }

    /// <inheritdoc/>
    public Task<PrincipalDescription> Create(CreatePrincipal request) =>
        Change(KmsOperation.CreatePrincipal, request, request.Proof, Principal(request.Name), () => _principals.Create(request));

    /// <inheritdoc/>
    public Task<PrincipalDescription> Describe(PrincipalCommand request) =>
        Read(KmsOperation.DescribePrincipal, request, Principal(request.Name), () => _principals.Describe(request.Name));

    /// <inheritdoc/>
    public Task<PrincipalPage> List(ListPrincipals request) =>
        Read(KmsOperation.ListPrincipals, request, null, () => _principals.List(request));

    /// <inheritdoc/>
    public Task<PrincipalDescription> Update(UpdatePrincipal request) =>
        Change(KmsOperation.UpdatePrincipal, request, request.Proof, Principal(request.Name), () => _principals.Update(request));

    /// <inheritdoc/>
    public Task<PrincipalDescription> Enable(PrincipalCommand request) =>
        Change(KmsOperation.EnablePrincipal, request, request.Proof, Principal(request.Name), () => _principals.SetEnabled(request, isEnabled: true));

    /// <inheritdoc/>
    public Task<PrincipalDescription> Disable(PrincipalCommand request) =>
        Change(KmsOperation.DisablePrincipal, request, request.Proof, Principal(request.Name), () => _principals.SetEnabled(request, isEnabled: false));

    /// <inheritdoc/>
    public Task Delete(PrincipalCommand request) =>
        Change(KmsOperation.DeletePrincipal, request, request.Proof, Principal(request.Name), Done(() => _principals.Delete(request)));

    /// <inheritdoc/>
    public Task<CreatedToken> CreateToken(CreateToken request) =>
        Change(KmsOperation.CreateToken, request, request.Proof, Principal(request.Name), () => _principals.CreateToken(request));

    /// <inheritdoc/>
    public Task<TokenDescription[]> ListTokens(PrincipalCommand request) =>
        Read(KmsOperation.ListTokens, request, Principal(request.Name), () => _principals.ListTokens(request.Name));

    /// <inheritdoc/>
    public Task RevokeToken(RevokeToken request) => Change(
        KmsOperation.RevokeToken, request, request.Proof, $"{Principal(request.Name)} token {request.TokenId}", Done(() => _principals.RevokeToken(request)));

    /// <inheritdoc/>
    public ValueTask<AccessChanges> Changes(AccessChangesQuery query) => _facts.Changes(query.Since, query.ReadsAnew);

    // The name comes from a gateway: one that is invalid may be too long for a record.
    private static string Principal(string name) => PrincipalRow.LedgerName(PrincipalName.IsValid(name) ? name : "?");

    /// <summary>Runs a change, if the proof shows that the caller may make it.</summary>
    private Task<T> Change<T>(KmsOperation operation, ICallerRequest request, AdministratorProof? proof, string subject, Func<Task<T>> change) =>
        Read(operation, request, subject, async () =>
        {
            await _administrators.Require(proof, operation);
            _audit.RequireRoom();
            return await change();
        });

    private Task<T> Read<T>(KmsOperation operation, ICallerRequest request, string? subject, Func<Task<T>> work) =>
        _audit.Run(operation, request.Caller, new() { Detail = subject }, () => Guarded(work));

    private static Func<Task<bool>> Done(Func<Task> change) => async () =>
    {
        await change();
        return true;
    };

    private async Task<T> Guarded<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (KmsException)
        {
            throw;
        }
        catch (InconsistentStateException)
        {
            // Another activation is making changes: this one's copy of the ledger is stale.
            DeactivateOnIdle();
            throw KmsError.Conflict.Exception();
        }
        catch (StorageFailedException e)
        {
            LogStorageFailed(e);
            throw KmsError.StorageUnavailable.Exception();
        }
        catch (Exception e)
        {
            LogUnexpected(e);
            throw KmsError.Internal.Exception();
        }
    }

    [LoggerMessage(LogLevel.Warning, "access: the database failed")]
    private partial void LogStorageFailed(Exception exception);

    [LoggerMessage(LogLevel.Error, "access: unexpected failure")]
    private partial void LogUnexpected(Exception exception);
}
