using Microsoft.IdentityModel.Tokens;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>An issuer's public key.</summary>
/// <param name="Id"><c>kid</c>; null for none.</param>
/// <param name="Algorithms">The algorithms that it may verify.</param>
/// <param name="Key">The key.</param>
internal sealed record IssuerKey(string? Id, IReadOnlyList<string> Algorithms, AsymmetricSecurityKey Key);
