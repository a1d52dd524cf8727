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
        Read(KmsOperation.SimulateAccess, request, Simulated(request), () => _policies.Simulate(request));

    // Whose rights were looked at. All of it comes from the caller, so only what is valid is recorded.
    private static string Simulated(SimulateAccess request) =>
        $"{Principal(request.Principal)} {(KmsOperation.All.ContainsKey(request.Action ?? "") ? request.Action : "?")}"
        + (request.KeyId is null ? "" : KeyId.IsValid(request.KeyId) ? $" key {request.KeyId}" : " key ?");

    private static string PolicyNamed(string name) => PolicyRow.LedgerName(KeyId.IsValid(name) ? name : "?");
}
