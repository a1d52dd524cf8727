namespace OrleansKms;

/// <summary>Derives a key: from a key of usage derive by a context, from one of usage key_agreement by somebody's public key.</summary>
[GenerateSerializer, Immutable, Alias("okms.Derive")]
public sealed record Derive : ICallerRequest
{
    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>
    /// What the derived key is for, at most <see cref="KmsLimits.DerivationContextBytes"/> bytes. Required for usage derive; null for none
    /// where a key agrees.
    /// </summary>
    [Id(1)] public byte[]? Context { get; init; }
    /// <summary>The salt, as long as a context at most; null for none. Only for usage derive.</summary>
    [Id(2)] public byte[]? Salt { get; init; }
    /// <summary>
    /// The other side's public key (SubjectPublicKeyInfo, DER), at most <see cref="KmsLimits.PeerPublicKeyBytes"/> bytes. Required where
    /// a key agrees, and only there.
    /// </summary>
    [Id(3)] public byte[]? PublicKey { get; init; }
    /// <summary>The length of the derived key, 1 to <see cref="KmsLimits.DerivedKeyBytes"/> bytes; null for the default.</summary>
    [Id(4)] public int? Bytes { get; init; }
    /// <summary>
    /// Whether the shared secret itself is returned, from which nothing is derived; it has neither a context nor a length that could be
    /// chosen. Only where a key agrees.
    /// </summary>
    [Id(5)] public bool Raw { get; init; }
    /// <summary>The version to derive from; null for the primary one.</summary>
    [Id(6)] public int? KeyVersion { get; init; }

    /// <summary>Omits everything that the derived key depends on.</summary>
    public override string ToString() => $"{nameof(Derive)} {{ Caller = {Caller}, Raw = {Raw}, KeyVersion = {KeyVersion} }}";
}
