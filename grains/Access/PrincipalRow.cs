using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The row <c>principal</c>: who may sign in, by what, and as whom. Removed, it stays as a tombstone, so that an older copy cannot take
/// its place.
/// </summary>
public sealed record PrincipalRow : Row
{
    /// <summary>A text for people.</summary>
    public string? Description { get; init; }
    /// <summary>Whether it may not sign in.</summary>
    public bool Disabled { get; init; }
    /// <summary>Names of policies.</summary>
    public string[] Policies { get; init; } = [];
    /// <summary>Limits.</summary>
    public LimitRule[] Limits { get; init; } = [];
    /// <summary>Subject alternative names of certificates.</summary>
    public string[] Certificates { get; init; } = [];
    /// <summary>Identities by JWT.</summary>
    public JwtIdentity[] Jwt { get; init; } = [];
    /// <summary>Tokens, the oldest first.</summary>
    public TokenEntry[] Tokens { get; init; } = [];
    /// <summary>When it was made, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last changed, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
    /// <summary>The revision of the ledger under which the row was written.</summary>
    public long Stamp { get; init; }
    /// <summary>Whether it was removed.</summary>
    public bool Removed { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => Removed;

    /// <summary>Everything by which it signs in, as <see cref="CredentialName"/> writes it.</summary>
    internal IEnumerable<string> Credentials =>
    [
        .. Certificates.Select(CredentialName.OfCertificate),
        .. Jwt.Select(jwt => CredentialName.OfJwt(jwt.Issuer, jwt.Subject)),
        .. Tokens.Select(token => CredentialName.OfToken(token.Id)),
    ];

    /// <summary>Whose row it is.</summary>
    internal static GrainId Grain(string name) => GrainId.Create("principal", name);

    /// <summary>What the ledger calls a principal.</summary>
    internal static string LedgerName(string name) => "principal:" + name;
}

/// <summary>A token of a principal.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Sha256">SHA-256 of its text; 32 bytes.</param>
/// <param name="Description">A text for people.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="ExpiresAt">When it ends, UTC.</param>
public sealed record TokenEntry(string Id, byte[] Sha256, string? Description, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)
{
    /// <summary>Never the hash.</summary>
    public override string ToString() => $"{nameof(TokenEntry)} {{ Id = {Id} }}";
}

/// <summary>
/// The row <c>credential</c>: to whom a credential belongs. It only leads to the principal, whose row says whether it has the
/// credential; so one that a crash left behind does no harm.
/// </summary>
public sealed record CredentialRow : Row
{
    /// <summary>The principal's name.</summary>
    public required string Principal { get; init; }
    /// <summary>Whether it belongs to nobody any more.</summary>
    public bool Removed { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => Removed;

    /// <summary>Whose row it is.</summary>
    internal static GrainId Grain(string credential) => GrainId.Create("credential", CredentialName.RowKey(credential));
}

/// <summary>The row <c>principal.uses</c>: when tokens were used last, by their ids.</summary>
public sealed record TokenUsesRow : Row
{
    /// <summary>The times, UTC, to the minute.</summary>
    public required Dictionary<string, DateTimeOffset> UsedAt { get; init; }
}
