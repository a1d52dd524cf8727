using OrleansKms.Silo.Clustering.Admission;

namespace OrleansKms.Tests.Unit.Admission;

/// <summary>What clients may call is decided for every interface.</summary>
public sealed class ClientRightsTests
{
    [Fact]
    public void EveryInterface_IsOnOneOfTheLists()
    {
        var all = typeof(IKeyGrain).Assembly.GetTypes()
            .Where(type => type.IsInterface && type.IsPublic && typeof(IGrain).IsAssignableFrom(type)).OrderBy(type => type.Name);
        var none = typeof(IKeyRowsGrain);
        Assert.Equal(all, ClientRights.OfClients.Concat(ClientRights.OfGateways).Append(none).OrderBy(type => type.Name));
    }

    [Fact]
    public void NoMethod_TakesACancellationToken()
    {
        // Clients would then call Orleans' own extension of grains that cancels, which would have to be let through.
        Assert.DoesNotContain(
            ClientRights.OfClients.Concat(ClientRights.OfGateways).SelectMany(type => type.GetMethods()).SelectMany(method => method.GetParameters()),
            parameter => parameter.ParameterType == typeof(CancellationToken));
    }

    [Fact]
    public void WhatIsForAdministratorsAndSignIn_IsForNoService()
    {
        Assert.Superset(
            new HashSet<Type> { typeof(IAccessGrain), typeof(IAccessFactsGrain), typeof(IPrincipalsGrain), typeof(IKekRingGrain), typeof(IKeyApprovalsGrain) },
            ClientRights.OfGateways.ToHashSet());
        Assert.Empty(ClientRights.OfGateways.Intersect(ClientRights.OfClients));
    }

    [Fact]
    public void Proof_MatchesItsTokenOnly_AndDoesNotShowIt()
    {
        var proof = new AdministratorProof("the-token"u8.ToArray());
        Assert.True(proof.Matches(System.Security.Cryptography.SHA256.HashData("the-token"u8)));
        Assert.False(proof.Matches(System.Security.Cryptography.SHA256.HashData("another"u8)));
        Assert.False(new AdministratorProof([]).Matches(System.Security.Cryptography.SHA256.HashData([])));
        Assert.Equal("AdministratorProof", proof.ToString());
        Assert.DoesNotContain("74", new KekCommand(new Caller("a", "b", "c"), proof).ToString(), StringComparison.Ordinal);
    }
}
