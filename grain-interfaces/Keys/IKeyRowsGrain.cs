namespace OrleansKms;

/// <summary>
/// The stored rows of one key, for operators: after a restore, after a rotation of the KEK, or when a key returns
/// <c>key_corrupted</c>. The same grain as <see cref="IKeyGrain"/>, with the same grain key. Open to silos only, not to clients:
/// each call reads and opens every row.
/// </summary>
/// <remarks>
/// Since feature level 2. New methods of a grain go into an interface of their own with a <c>[Version]</c>, not into one that
/// older silos have: when a call of a newer version reaches an activation on an older silo, Orleans ends it and makes another on
/// a silo that knows the version. This way only calls of the new methods move a key. A call that a client sends through an older
/// silo fails with a <see cref="TypeLoadException"/>, and nothing is done: call new methods once every silo is new.
/// </remarks>
[Alias("okms.IKeyRowsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyRowsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reads every row of the key and opens the material of every version that is not destroyed, without using it. Errors:
    /// key_not_found; key_corrupted when the row <c>key</c> itself does not open; storage_unavailable.
    /// </summary>
    [Alias("Check"), Operation("keys:check-rows")] Task<KeyRowCheck[]> Check(KeyCommand request);
}

/// <summary>The condition of one row.</summary>
/// <param name="Row">Its name: <c>key</c>, <c>key.usage</c>, or <c>key.v{n}</c> for the material of version n, wherever it is stored; <c>key.h{n}</c> for events of the history.</param>
/// <param name="Error">The code of what is wrong with it; null when it opens.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyRowCheck")]
public sealed record KeyRowCheck([property: Id(0)] string Row, [property: Id(1)] string? Error);
