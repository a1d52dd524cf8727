namespace OrleansKms;

/// <summary>
/// Tells gateways who may sign in to a cluster. A stateless worker: any key will do, and a client may send each call through
/// another silo.
/// </summary>
[Alias("okms.IAccessGrain")]
public interface IAccessGrain : IGrainWithIntegerKey
{
    /// <summary>What gateways check tokens against. Error: storage_unavailable.</summary>
    [Alias("ListCredentials"), Operation("service:credentials")] ValueTask<SignInCredentials> ListCredentials(CredentialsQuery query);
}

/// <summary>Requests what tokens are checked against.</summary>
/// <param name="Caller">The caller.</param>
[GenerateSerializer, Immutable, Alias("okms.CredentialsQuery")]
public sealed record CredentialsQuery([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>What gateways check tokens against. A token is random and long, so its hash does not help to find it.</summary>
/// <param name="AdministratorTokenSha256">SHA-256 of the administrator's token; null while there is no administrator.</param>
/// <param name="Age">
/// How old this information is: more than a few seconds when the database is away. Zero from a silo that does not report it.
/// </param>
/// <param name="HoldsFor">How old it may become. Zero from a silo that does not report it.</param>
/// <param name="Order">
/// Rises with each change; a gateway never goes back to a lower one. Zero while there is no administrator, and from a silo that
/// does not report it.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.SignInCredentials")]
public sealed record SignInCredentials(
    [property: Id(0)] byte[]? AdministratorTokenSha256,
    [property: Id(1)] TimeSpan Age = default,
    [property: Id(2)] TimeSpan HoldsFor = default,
    [property: Id(3)] long Order = 0)
{
    /// <summary>Omits the hash.</summary>
    public override string ToString() => $"{nameof(SignInCredentials)} {{ HasAdministrator = {AdministratorTokenSha256 is not null} }}";
}
