namespace OrleansKms;

/// <summary>A field of a change: either not named, or named with a new value, which may be null.</summary>
/// <typeparam name="T">The field's type.</typeparam>
/// <param name="IsSet">Whether the change names the field.</param>
/// <param name="Value">The new value.</param>
[GenerateSerializer, Immutable, Alias("okms.Change`1")]
public readonly record struct Change<T>([property: Id(0)] bool IsSet, [property: Id(1)] T? Value)
    where T : class
{
    /// <summary>Omits the value, which may be sealed in storage.</summary>
    public override string ToString() => IsSet ? "changed" : "as it is";
}
