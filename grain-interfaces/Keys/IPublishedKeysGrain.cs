using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// The public keys with which others verify the tokens of one key: for gateways, which publish those of many keys as one set and record
/// that request. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 6.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IPublishedKeysGrain"), Orleans.CodeGeneration.Version(1)]
public interface IPublishedKeysGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reads the versions of a key of usage <see cref="KeyUsage.Jws"/> that are enabled and not below its minimum version, newest first:
    /// none for a key of another usage, or one that cannot be used.
    /// </summary>
    [Alias("Read"), Operation("keys:jwks"), AlwaysInterleave] Task<PublishedKeys> Read(ReadPublishedKeys request);
}

/// <summary>Asks for the published keys of a key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Limit">The most versions; 1 or more.</param>
[GenerateSerializer, Immutable, Alias("okms.ReadPublishedKeys")]
public sealed record ReadPublishedKeys([property: Id(0)] Caller Caller, [property: Id(1)] int Limit) : ICallerRequest;

/// <summary>The published keys of a key.</summary>
/// <param name="Keys">The versions, newest first.</param>
/// <param name="HasMore">Whether there are more than were asked for.</param>
[GenerateSerializer, Immutable, Alias("okms.PublishedKeys")]
public sealed record PublishedKeys([property: Id(0)] PublishedKey[] Keys, [property: Id(1)] bool HasMore);

/// <summary>The published key of one version.</summary>
/// <param name="KeyVersion">The version.</param>
/// <param name="Jwk">Its public key.</param>
[GenerateSerializer, Immutable, Alias("okms.PublishedKey")]
public sealed record PublishedKey([property: Id(0)] int KeyVersion, [property: Id(1)] PublicJwk Jwk);
