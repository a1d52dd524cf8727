namespace OrleansKms;

/// <summary>How often something may be done in a window of time.</summary>
/// <param name="Count">How often; at least 1.</param>
/// <param name="Per">The window: <see cref="KmsLimits.MinLimitWindow"/> to <see cref="KmsLimits.MaxLimitWindow"/>.</param>
/// <param name="Of">
/// What counts: the name of a <see cref="KmsOperation"/>, of a group of them, or <c>*</c>. A validation only asks, so <c>use</c> does not
/// count it.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.LimitRule")]
public sealed record LimitRule([property: Id(0)] long Count, [property: Id(1)] TimeSpan Per, [property: Id(2)] string Of = "use");
