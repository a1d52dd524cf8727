namespace OrleansKms;

/// <summary>Requests a page of a key's history.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Limit">The maximum number of events, 1 to <see cref="KmsLimits.PageItems"/>.</param>
/// <param name="After">The <see cref="KeyHistoryPage.Next"/> of the previous page; null for the first.</param>
[GenerateSerializer, Immutable, Alias("okms.ReadKeyHistory")]
public sealed record ReadKeyHistory(
    [property: Id(0)] Caller Caller, [property: Id(1)] int Limit = KmsLimits.DefaultPageItems, [property: Id(2)] string? After = null) : ICallerRequest;
