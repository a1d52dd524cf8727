namespace OrleansKms;

/// <summary>One alias: a name that stands for a key and can be pointed at another. The grain key is the name.</summary>
[Alias("okms.IAliasGrain")]
public interface IAliasGrain : IGrainWithStringKey
{
    /// <summary>The key that the alias stands for. Error: alias_not_found.</summary>
    [Alias("Resolve"), Operation("aliases:describe")] ValueTask<AliasDescription> Resolve(AliasCommand request);

    /// <summary>Creates the alias, or points it at another key. Errors: key_not_found, key_destroyed.</summary>
    [Alias("Point"), Operation("aliases:point")] Task<AliasDescription> Point(PointAlias request);

    /// <summary>Removes the alias; the key stays. Error: alias_not_found.</summary>
    [Alias("Remove"), Operation("aliases:remove")] Task Remove(AliasCommand request);
}

/// <summary>A command that needs only the alias itself.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.AliasCommand")]
public sealed record AliasCommand([property: Id(0)] Caller Caller) : ICallerRequest
{
    /// <summary>
    /// Whether the alias is resolved for another operation. That operation is recorded with the key found, so this step is not recorded.
    /// </summary>
    [Id(1)] public bool IsStep { get; init; }
}

/// <summary>Points an alias at a key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="KeyId">A valid key id; not an alias.</param>
[GenerateSerializer, Immutable, Alias("okms.PointAlias")]
public sealed record PointAlias([property: Id(0)] Caller Caller, [property: Id(1)] string KeyId) : ICallerRequest;

/// <summary>An alias.</summary>
/// <param name="Name">Its name, without <c>alias:</c>.</param>
/// <param name="KeyId">The key that it stands for.</param>
/// <param name="CreatedAt">When it was created, UTC.</param>
/// <param name="UpdatedAt">When it was last pointed elsewhere, UTC.</param>
[GenerateSerializer, Immutable, Alias("okms.AliasDescription")]
public sealed record AliasDescription(
    [property: Id(0)] string Name,
    [property: Id(1)] string KeyId,
    [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] DateTimeOffset UpdatedAt);
