using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>
/// The row <c>key.imports</c>: the parameters of imports that were not used yet, one for each caller who asked. Written over when they are
/// used, have expired or the key is destroyed, so that their private keys are gone.
/// </summary>
public sealed record KeyImportsRow : Row
{
    /// <summary>The parameters.</summary>
    public required IReadOnlyList<ImportOffer> Offers { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => Offers.Count == 0;
}

/// <summary>The parameters of one import.</summary>
/// <param name="Id">The part of the token that finds them, in hexadecimal.</param>
/// <param name="Principal">Who alone may use them.</param>
/// <param name="ExpiresAt">Until when, UTC.</param>
/// <param name="Epoch">The restore epoch in which they were made. Those of an earlier one may have been used since the backup.</param>
/// <param name="PrivateKey">
/// The private key, sealed under the part of the token that only the caller has (Sealing/FORMAT.md): without it nobody opens the key, not
/// even whoever has the database and its KEKs.
/// </param>
public sealed record ImportOffer(string Id, string Principal, DateTimeOffset ExpiresAt, int Epoch, byte[] PrivateKey);
