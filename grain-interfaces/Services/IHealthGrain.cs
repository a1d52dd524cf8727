namespace OrleansKms;

/// <summary>The health of the parts that the silo depends on, from background probes. A stateless worker.</summary>
[Alias("okms.IHealthGrain")]
public interface IHealthGrain : IGrainWithIntegerKey
{
    /// <summary>The last probes' results; never waits for a part itself.</summary>
    [Alias("Check"), Operation("service:health")] ValueTask<HealthReport> Check(HealthQuery query);
}

/// <summary>Requests the health report.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.HealthQuery")]
public sealed record HealthQuery([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>The health of the parts.</summary>
/// <param name="Database">Whether the database answered the last probe.</param>
/// <param name="Hsm">
/// Whether the HSM answered the last probe and has not recently refused to make or destroy a key; null when none is configured.
/// </param>
/// <param name="ClockProblem">
/// Why the silo's clock cannot be trusted; null when it can, and from a silo that does not report it.
/// </param>
/// <param name="HsmProblem">Why the HSM is not healthy; null when it is, and from a silo that does not report it.</param>
/// <param name="KekProblem">How the KEKs differ from what the root key vouches for; null when they do not.</param>
/// <param name="Audit">
/// Whether the audit trail can be written; null when operations are not recorded, and from a silo that does not report it.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.HealthReport")]
public sealed record HealthReport(
    [property: Id(0)] bool Database, [property: Id(1)] bool? Hsm, [property: Id(2)] string? ClockProblem = null,
    [property: Id(3)] string? HsmProblem = null, [property: Id(4)] string? KekProblem = null,
    [property: Id(5)] bool? Audit = null)
{
    /// <summary>
    /// The specs of which keys can be created in the HSM, as the silo has found out; null when none is configured, and from a silo that
    /// does not report it.
    /// </summary>
    [Id(6)] public string[]? HsmSpecs { get; init; }
}
