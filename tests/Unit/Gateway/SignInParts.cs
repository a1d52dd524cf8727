using Microsoft.Extensions.Logging.Abstractions;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Access.Jwt;
using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>The parts of signing in, put together for tests.</summary>
internal static class SignInParts
{
    /// <summary>A cluster without principals that is never reached.</summary>
    public static Credentials Credentials(IPrincipalSource administrator) => Credentials(
        administrator, new KnownPrincipals(_ => throw new InvalidOperationException(), ClusterLink.InProcess, TimeProvider.System, NullLogger.Instance),
        TimeProvider.System);

    public static Credentials Credentials(
        IPrincipalSource administrator, KnownPrincipals principals, TimeProvider time, JwtIssuers? issuers = null, FailedSignIns? failed = null)
    {
        var uses = new TokenUses(
            new(() => throw new InvalidOperationException()), ClusterLink.InProcess, time, NullLogger<TokenUses>.Instance);
        var jwt = new JwtTokens(issuers ?? new JwtIssuers([]), principals, time, NullLogger<JwtTokens>.Instance);
        return new(new(administrator, principals, jwt, uses, time), failed ?? new FailedSignIns(time));
    }
}
