using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>What approvals permit their requesters to ask for (<see cref="GrantedOperation"/>).</summary>
internal static class Grants
{
    /// <summary>Finds an approval that permits an operation now, judged by its approvers' standing of today.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">Its row, whose rule guards the operation.</param>
    /// <param name="request">The operation.</param>
    /// <param name="caller">Who asks.</param>
    /// <returns>The approval; null for none.</returns>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public static async Task<KeyApproval?> Find(KeyActivation key, KeyRow row, RequestedOperation request, Caller caller)
    {
        foreach (var grant in KeyApprovals.Grants(row, request, caller, key.Now, key.Services.Epoch.Number))
        {
            var standing = new List<ApprovalVote>();
            foreach (var vote in grant.Approvals)
            {
                if (await key.Standing.Of(vote))
                {
                    standing.Add(vote);
                }
            }

            if (KeyApprovals.IsComplete(row, grant with { Approvals = standing }))
            {
                return grant;
            }
        }

        return null;
    }
}
