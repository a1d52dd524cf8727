using Microsoft.Extensions.Primitives;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class RequestIdTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("0af7651916cd43dd8448eb211c80319c")]
    [InlineData("Root=1-67891233:abcdef/x+y@z~._")]
    public void From_SafeId_IsTaken(string id) => Assert.Equal(id, RequestId.From(id));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    [InlineData("a\u001b[31m")]
    [InlineData("a,b")]
    [InlineData("a\"b")]
    [InlineData("\u00e9")]
    public void From_UnsafeId_IsReplaced(string id) => Assert.Matches("^[0-9a-f]{32}$", RequestId.From(id));

    [Fact]
    public void From_TwoOrTooLongOrNone_IsReplaced()
    {
        Assert.Equal(32, RequestId.From(new StringValues(["a", "b"])).Length);
        Assert.Equal(32, RequestId.From(new string('a', 129)).Length);
        Assert.NotEqual(RequestId.From(StringValues.Empty), RequestId.From(StringValues.Empty));
    }
}
