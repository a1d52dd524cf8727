using OrleansKms.Gateway.Wires;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class TraceParentTests
{
    [Fact]
    public void TraceId_OfAWellFormedHeader_IsItsSecondField() => Assert.Equal(
        "4bf92f3577b34da6a3ce929d0e0e4736", TraceParent.TraceId("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7")]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01")]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    public void TraceId_OfAnythingElse_IsNone(string? header) => Assert.Null(TraceParent.TraceId(header));

    [Fact]
    public void TraceId_GivenTwice_IsNone()
    {
        const string header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        Assert.Null(TraceParent.TraceId(new([header, header])));
    }
}
