using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class CursorTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("payments.eu.cards")]
    public void Read_ItsOwn_IsTheName(string name) => Assert.Equal(name, Cursor.Read("keys", Cursor.After("keys", name)));

    [Fact]
    public void Read_LongestName_FitsAndNeedsNoEscaping()
    {
        var name = new string('z', KeyId.MaxLength);
        var cursor = Cursor.After("keys", name);
        Assert.Equal(name, Cursor.Read("keys", cursor));
        Assert.Matches("^[A-Za-z0-9_-]+$", cursor);
    }

    [Fact]
    public void Read_None_IsNone() => Assert.Null(Cursor.Read("keys", null));

    [Fact]
    public void Read_OfAnotherList_IsInvalidParameter() => IsRefused("aliases", Cursor.After("keys", "a"));

    [Fact]
    public void Read_AnyBitChanged_IsInvalidParameter()
    {
        var cursor = Cursor.After("keys", "some-name");
        for (var i = 0; i < cursor.Length; i++)
        {
            foreach (var c in "ABCXYZabcxyz0189-_=+/. \u00e9\0")
            {
                if (c != cursor[i])
                {
                    IsRefused("keys", cursor[..i] + c + cursor[(i + 1)..]);
                }
            }

            IsRefused("keys", cursor[..i]);
        }

        IsRefused("keys", cursor + "A");
        IsRefused("keys", cursor + "=");
        IsRefused("keys", new string('A', 100_000));
    }

    private static void IsRefused(string list, string cursor) =>
        Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(() => Cursor.Read(list, cursor)).Code);
}
