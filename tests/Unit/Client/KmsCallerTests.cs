using System.Diagnostics;

namespace OrleansKms.Tests.Unit.Client;

public sealed class KmsCallerTests
{
    private readonly KmsCaller _caller = new("billing");

    [Fact]
    public void Next_IsTheSameService_AndAnotherRequest()
    {
        var (first, second) = (_caller.Next(), _caller.Next());
        Assert.Equal(("billing", Environment.MachineName), (first.Principal, first.Source));
        Assert.Equal(32, first.RequestId.Length);
        Assert.NotEqual(first.RequestId, second.RequestId);
    }

    [Fact]
    public void Next_InAnActivity_IsPartOfItsTrace()
    {
        using var activity = new Activity("work").SetIdFormat(ActivityIdFormat.W3C).Start();
        Assert.Equal(activity.TraceId.ToHexString(), _caller.Next().RequestId);
    }
}
