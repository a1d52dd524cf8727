namespace OrleansKms;

/// <summary>
/// The caller, as it names itself: for logs, metrics and audit. This is not an authentication boundary: a process that can call
/// grains at all has full data-plane authority.
/// </summary>
/// <param name="Principal">The authenticated name, for example <c>admin</c>, of at most <see cref="KmsLimits.PrincipalLength"/> characters.</param>
/// <param name="Source">Where the request came from, for example a remote IP address.</param>
/// <param name="RequestId">The request's id, which joins log lines of the gateway and the silos.</param>
[GenerateSerializer, Immutable, Alias("okms.Caller")]
public sealed record Caller(
    [property: Id(0)] string Principal,
    [property: Id(1)] string Source,
    [property: Id(2)] string RequestId)
{
    /// <summary>The credential: <c>token:</c>, <c>jwt:</c> or <c>certificate:</c> with its id, never the secret; null if unknown.</summary>
    [Id(3)] public string? Credential { get; init; }

    /// <summary>The W3C trace id of the request; null for none.</summary>
    [Id(4)] public string? TraceId { get; init; }
}
