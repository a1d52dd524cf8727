namespace OrleansKms;

/// <summary>The outcome of one item of a batch: a value or an error, never both.</summary>
/// <typeparam name="T">The answer of the single operation.</typeparam>
/// <param name="Value">The answer, or null when the item failed.</param>
/// <param name="Error">The failure, or null when the item succeeded.</param>
[GenerateSerializer, Immutable, Alias("okms.ItemResult`1")]
public sealed record ItemResult<T>([property: Id(0)] T? Value, [property: Id(1)] ItemError? Error)
    where T : class;

/// <summary>Why one item of a batch failed.</summary>
/// <param name="Code">A key of <see cref="KmsError.All"/>.</param>
/// <param name="Detail">A text for the caller.</param>
[GenerateSerializer, Immutable, Alias("okms.ItemError")]
public sealed record ItemError([property: Id(0)] string Code, [property: Id(1)] string Detail);
