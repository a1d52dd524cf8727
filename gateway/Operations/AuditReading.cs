namespace OrleansKms.Gateway.Operations;

/// <summary>Reads the audit trail.</summary>
internal static class AuditReading
{
    /// <summary>One page of records, newest first.</summary>
    public static Task<AuditPage> Search(Call call, AuditQuery query) => Trail(call).Search(query);

    /// <summary>The logs of all silos.</summary>
    public static Task<AuditLogDescription[]> ListLogs(Call call) => Trail(call).ListLogs(new(call.Caller));

    private static IAuditGrain Trail(Call call) => call.Services.Grains.GetGrain<IAuditGrain>(0);
}
