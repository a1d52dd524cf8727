using Microsoft.AspNetCore.Http;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class FailureTests
{
    public static TheoryData<string> Codes => new(KmsError.All.Keys);

    [Theory]
    [MemberData(nameof(Codes))]
    public void Of_ExpectedFailure_IsItself(string code)
    {
        var failure = Failure.Of(new KmsException(code, "a text"));
        Assert.Equal((code, "a text", code == "internal"), (failure.Error.Code, failure.Detail, failure.IsDefect));
    }

    [Fact]
    public void Of_CodeOfANewerSilo_IsInternal() => Assert.Same(KmsError.Internal, Failure.Of(new KmsException("new_code", "x")).Error);

    [Fact]
    public void Of_FailuresOfTheCluster()
    {
        Assert.Same(KmsError.Timeout, Failure.Of(new TimeoutException("secret")).Error);
        Assert.Same(KmsError.Unavailable, Failure.Of(new SiloUnavailableException("secret")).Error);
        Assert.Same(KmsError.Unavailable, Failure.Of(Made<OrleansMessageRejectionException>()).Error);
        Assert.Same(KmsError.Unavailable, Failure.Of(Made<Orleans.Runtime.Messaging.ConnectionFailedException>()).Error);
        Assert.Same(KmsError.Unavailable, Failure.Of(Made<ClientNotAvailableException>()).Error);
        Assert.Same(KmsError.Overloaded, Failure.Of(Made<GatewayTooBusyException>()).Error);
        Assert.Same(KmsError.Overloaded, Failure.Of(Made<LimitExceededException>()).Error);
    }

    [Theory]
    [InlineData(408, "request_timeout")]
    [InlineData(413, "payload_too_large")]
    [InlineData(400, "invalid_request")]
    public void Of_FailuresOfTheServer(int status, string code) =>
        Assert.Equal(code, HttpFailures.Of(new BadHttpRequestException("secret", status)).Error.Code);

    [Fact]
    public void Of_AnythingElse_IsInternalAndTellsNothing()
    {
        var failure = Failure.Of(new InvalidOperationException("secret"));
        Assert.Same(KmsError.Internal, failure.Error);
        Assert.DoesNotContain("secret", failure.Detail, StringComparison.Ordinal);
        Assert.True(failure.IsDefect);
    }

    // Orleans keeps some constructors to itself.
    private static T Made<T>()
        where T : Exception => (T)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(typeof(T));
}
