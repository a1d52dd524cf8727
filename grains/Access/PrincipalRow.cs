using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The row <c>principal</c>: its credentials and policies. A removed one stays as a tombstone, so that an older copy cannot take its place.
/// </summary>
public sealed record PrincipalRow : Row
{
    /// <summary>Free text.</summary>
    public string? Description { get; init; }
    /// <summary>Whether sign-in is disabled.</summary>
    public bool Disabled { get; init; }
    /// <summary>Names of policies.</summary>
    public string[] Policies { get; init; } = [];
    /// <summary>Limits.</summary>
    public LimitRule[] Limits { get; init; } = [];
    /// <summary>Subject alternative names of certificates.</summary>
    public string[] Certificates { get; init; } = [];
    /// <summary>JWT identities.</summary>
    public JwtIdentity[] Jwt { get; init; } = [];
    /// <summary>Tokens, the oldest first.</summary>
    public TokenEntry[] Tokens { get; init; } = [];
    /// <summary>When it was created, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last changed, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>The ledger's revision when the row was written.</summary>
    public long Stamp { get; init; }
    /// <summary>Whether it was removed.</summary>
    public bool Removed { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => Removed;

    /// <summary>All its credentials, as <see cref="CredentialName"/> writes them.</summary>
    internal IEnumerable<string> Credentials =>
    [
        .. Certificates.Select(CredentialName.OfCertificate),
        .. Jwt.Select(jwt => CredentialName.OfJwt(jwt.Issuer, jwt.Subject)),
        .. Tokens.Select(token => CredentialName.OfToken(token.Id)),
    ];

    /// <summary>The row's grain.</summary>
    internal static GrainId Grain(string name) => GrainId.Create("principal", name);

    /// <summary>The principal's name in the ledger.</summary>
    internal static string LedgerName(string name) => "principal:" + name;
}

/// <summary>A token of a principal.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Sha256">SHA-256 of its text; 32 bytes.</param>
/// <param name="Description">Free text.</param>
/// <param name="CreatedAt">When it was created, UTC.</param>
/// <param name="ExpiresAt">When it expires, UTC.</param>
public sealed record TokenEntry(string Id, byte[] Sha256, string? Description, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)
{
    /// <summary>Never the hash.</summary>
    public override string ToString() => $"{nameof(TokenEntry)} {{ Id = {Id} }}";
}

/// <summary>
/// The row <c>credential</c>: which principal has a credential. It is only an index: the principal's row decides whether it has the
/// credential, so an entry left behind by a crash is harmless.
/// </summary>
public sealed record CredentialRow : Row
{
    /// <summary>The principal's name.</summary>
    public required string Principal { get; init; }
    /// <summary>Whether no principal has it any more.</summary>
    public bool Removed { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => Removed;

    /// <summary>The row's grain.</summary>
    internal static GrainId Grain(string credential) => GrainId.Create("credential", CredentialName.RowKey(credential));
}

/// <summary>The row <c>principal.uses</c>: when tokens were last used, by id.</summary>
public sealed record TokenUsesRow : Row
{
    /// <summary>The times, UTC, to the minute.</summary>
    public required Dictionary<string, DateTimeOffset> UsedAt { get; init; }
}
