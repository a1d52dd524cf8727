namespace OrleansKms.Grains.Access;

// The methods for policies.
public sealed partial class AccessAdministrationGrain : IPoliciesGrain
{
    /// <inheritdoc/>
    public Task<Policy> Put(PutPolicy request) =>
        Change(KmsOperation.PutPolicy, request, request.Proof, PolicyNamed(request.Name), () => _policies.Put(request));

    /// <inheritdoc/>
    public Task<Policy> Describe(PolicyCommand request) =>
        Read(KmsOperation.DescribePolicy, request, PolicyNamed(request.Name), () => _policies.Describe(request.Name));

    /// <inheritdoc/>
    public Task<PolicyPage> List(ListPolicies request) => Read(KmsOperation.ListPolicies, request, null, () => _policies.List(request));

    /// <inheritdoc/>
    public Task Delete(PolicyCommand request) =>
        Change(KmsOperation.DeletePolicy, request, request.Proof, PolicyNamed(request.Name), Done(() => _policies.Delete(request)));

    /// <inheritdoc/>
    public Task<SimulatedAccess> Simulate(SimulateAccess request) =>
        Read(KmsOperation.SimulateAccess, request, null, () => _policies.Simulate(request));

    private static string PolicyNamed(string name) => PolicyRow.LedgerName(KeyId.IsValid(name) ? name : "?");
}
