using System.Security.Cryptography;
using System.Text;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class StrictBase64Tests
{
    [Fact]
    public void TryDecode_WhatTheEncoderWrites_IsRead()
    {
        for (var length = 0; length < 300; length++)
        {
            var bytes = RandomNumberGenerator.GetBytes(length);
            Assert.True(StrictBase64.TryDecode(Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes)), out var decoded));
            Assert.Equal(bytes, decoded);
        }
    }

    // Every text of four characters out of these: accepted exactly when it is what the encoder writes for its value.
    [Fact]
    public void TryDecode_EveryShortText_HasOneTextForEachValue()
    {
        const string Characters = "AQRgw9+/=-_ \t\n\0\u007f";
        foreach (var text in Characters.SelectMany(a => Characters.SelectMany(b => Characters.SelectMany(c => Characters.Select(d => $"{a}{b}{c}{d}")))))
        {
            var accepted = StrictBase64.TryDecode(Encoding.Latin1.GetBytes(text), out var decoded);
            var canonical = Canonical(text);
            Assert.True(accepted == (canonical is not null), text);
            if (accepted)
            {
                Assert.Equal(canonical, decoded);
            }
        }
    }

    [Theory]
    [InlineData("A")]
    [InlineData("AA")]
    [InlineData("AAA")]
    [InlineData("AAAAA")]
    [InlineData("AA==AAAA")]
    [InlineData("AAAA    ")]
    [InlineData("    AAAA")]
    [InlineData("AA\r\nAA\r\n")]
    [InlineData("AAAA====")]
    public void TryDecode_NotBase64_IsRefused(string text) =>
        Assert.False(StrictBase64.TryDecode(Encoding.ASCII.GetBytes(text), out _));

    private static byte[]? Canonical(string text)
    {
        try
        {
            var bytes = Convert.FromBase64String(text);
            return Convert.ToBase64String(bytes) == text ? bytes : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
