using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Tests.Unit.Access;

public sealed class PrincipalNameTests
{
    /// <summary>Otherwise somebody could do in its name, in the audit trail and in keys' histories, what a key does by itself.</summary>
    [Fact]
    public void NameOfTheServiceItself_IsNobodyElses()
    {
        Assert.True(PrincipalName.IsReserved(KeyServices.Self.Principal));
        Assert.True(PrincipalName.IsReserved("OKMS"));
        Assert.False(PrincipalName.IsReserved("okms-operator"));
    }
}
