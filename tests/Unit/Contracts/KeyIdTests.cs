using System.Text.RegularExpressions;
using CsCheck;

namespace OrleansKms.Tests.Unit.Contracts;

public partial class KeyIdTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("Z")]
    [InlineData("0")]
    [InlineData("_")]
    [InlineData("payments.eu.cards")]
    [InlineData("a..b")]
    [InlineData("a-.-b")]
    [InlineData("42")]
    [InlineData("042")]
    [InlineData("CAFE")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("3f2504e0-4f89-11d3-9a0c-0305e82c3301")]
    public void IsValid_Good_IsTrue(string id) => Assert.True(KeyId.IsValid(id));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("-")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("../a")]
    [InlineData("a%2fb")]
    [InlineData("a\\b")]
    [InlineData("a\0b")]
    [InlineData("a\n")]
    [InlineData("a\r\nb")]
    [InlineData("alias:a")]
    [InlineData("\u00e4")]
    [InlineData("a\u0131b")]
    [InlineData("\uff41")]
    [InlineData("\u0661")]
    [InlineData("a\ud800")]
    public void IsValid_Bad_IsFalse(string id) => Assert.False(KeyId.IsValid(id));

    [Fact]
    public void IsValid_Length_Is1To128()
    {
        Assert.True(KeyId.IsValid(new string('a', KeyId.MaxLength)));
        Assert.Equal(128, KeyId.MaxLength);
        Assert.False(KeyId.IsValid(new string('a', KeyId.MaxLength + 1)));
    }

    [Fact]
    public void IsValid_EverySingleCharacter_AgreesWithTheRule()
    {
        for (var c = 0; c <= char.MaxValue; c++)
        {
            var outer = c is >= 'a' and <= 'z' or >= 'A' and <= 'Z' or >= '0' and <= '9' or '_';
            Assert.Equal(outer, KeyId.IsValid([(char)c]));
            Assert.Equal(outer || c is '.' or '-', KeyId.IsValid(['a', (char)c, 'a']));
        }
    }

    [Fact]
    public void IsValid_AnyText_AgreesWithTheRule() =>
        Gen.OneOf(Gen.Char["aZ0._-/ \n"], Gen.Char).Array[0, 140].Sample(
            c => KeyId.IsValid(c) == Rule().IsMatch(new string(c)), iter: 5_000);

    // Every beginning of a valid id is a prefix that listing takes.
    [Theory]
    [InlineData("payments.eu-1.cards_2")]
    [InlineData("_.-x")]
    public void IsValidPrefix_AnyBeginningOfAnId_IsTrue(string id)
    {
        for (var length = 0; length <= id.Length; length++)
        {
            Assert.True(KeyId.IsValidPrefix(id.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(".a")]
    [InlineData("-")]
    [InlineData("a/")]
    [InlineData("a%")]
    [InlineData("\u00e4")]
    public void IsValidPrefix_Bad_IsFalse(string prefix) => Assert.False(KeyId.IsValidPrefix(prefix));

    [Fact]
    public void IsValidPrefix_TooLong_IsFalse()
    {
        Assert.True(KeyId.IsValidPrefix(new string('a', 128)));
        Assert.False(KeyId.IsValidPrefix(new string('a', 129)));
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Rule();
}
