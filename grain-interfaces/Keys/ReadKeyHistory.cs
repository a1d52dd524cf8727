namespace OrleansKms;

/// <summary>Asks for a page of a key's history.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Limit">The most events, 1 to <see cref="KmsLimits.PageItems"/>.</param>
/// <param name="After">The <see cref="KeyHistoryPage.Next"/> of the page before; null for the first.</param>
[GenerateSerializer, Immutable, Alias("okms.ReadKeyHistory")]
public sealed record ReadKeyHistory(
    [property: Id(0)] Caller Caller, [property: Id(1)] int Limit = KmsLimits.DefaultPageItems, [property: Id(2)] string? After = null) : ICallerRequest;
