namespace OrleansKms;

/// <summary>
/// Signed tokens (JWS, RFC 7515) of one key of usage <see cref="KeyUsage.Jws"/>. The same grain as <see cref="IKeyGrain"/>, with the same
/// grain key; since feature level 6. Every method fails with <c>wrong_key_usage</c> for a key of another usage.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyJwsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyJwsGrain : IGrainWithStringKey
{
    /// <summary>Signs with the primary version; spends one use. Errors: unsupported_algorithm, invalid_parameter.</summary>
    [Alias("Sign"), Operation("keys:jws")] ValueTask<Jws> Sign(SignJws request);
}

/// <summary>Signs a token.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Payload">
/// The payload, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.
/// </param>
/// <param name="Type">
/// The header's <c>typ</c> (RFC 7515, 4.1.9), for example <c>JWT</c>; at most <see cref="KmsLimits.JwsTypeLength"/> of
/// <c>A-Z a-z 0-9 ! # $ &amp; ^ _ . + - /</c>. Null for none.
/// </param>
/// <param name="Algorithm">One of <see cref="KeyDescription.Algorithms"/>; null for the first.</param>
[GenerateSerializer, Immutable, Alias("okms.SignJws")]
public sealed record SignJws(
    [property: Id(0)] Caller Caller, [property: Id(1)] byte[] Payload, [property: Id(2)] string? Type = null, [property: Id(3)] string? Algorithm = null)
    : ICallerRequest;

/// <summary>A signed token.</summary>
/// <param name="KeyVersion">The version that signed.</param>
/// <param name="Algorithm">The algorithm, as in the header: for example <c>ES256</c>.</param>
/// <param name="Text">The compact serialization (RFC 7515, 3.1); its header names the key as <c>{id}.{version}</c>.</param>
[GenerateSerializer, Immutable, Alias("okms.Jws")]
public sealed record Jws([property: Id(0)] int KeyVersion, [property: Id(1)] string Algorithm, [property: Id(2)] string Text)
{
    /// <summary>Omits the token: whoever has it can present it.</summary>
    public override string ToString() => $"Jws {{ KeyVersion = {KeyVersion}, Algorithm = {Algorithm} }}";
}
