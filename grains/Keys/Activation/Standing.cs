using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Whether those who asked for an operation, or approved it, may still do so when it is carried out: by their own policies, and by the
/// key's. The row must be loaded.
/// </summary>
internal sealed class Standing(KeyActivation key)
{
    /// <summary>Whether an approval still counts.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public ValueTask<bool> Of(ApprovalVote vote) =>
        May(new(vote.Principal, vote.Source ?? "-", "-") { Credential = vote.Credential }, vote.Source, KmsOperation.Approve);

    /// <summary>
    /// Whether the requester may still do what it asked for. A .NET service names itself: there is no principal to look up, and only the
    /// key's policy is asked.
    /// </summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public ValueTask<bool> OfRequester(KeyApproval approval)
    {
        var (caller, operation) = (approval.RequestedBy, KmsOperation.Named(approval.Request.Operation));
        return CredentialName.IsOfPrincipal(caller.Credential) ? May(caller, caller.Source, operation) : new(IsPermitted(caller, operation));
    }

    private async ValueTask<bool> May(Caller caller, string? source, KmsOperation operation)
    {
        var row = key.Slot.Row!;
        return IsPermitted(caller, operation)
            && await key.Services.Principals.May(caller.Principal, source, operation, key.Id, new(row.Spec, row.Protection) { Usage = row.Usage });
    }

    private bool IsPermitted(Caller caller, KmsOperation operation) => key.Policy.Permits(new Call(operation, caller, 1, 0));
}
