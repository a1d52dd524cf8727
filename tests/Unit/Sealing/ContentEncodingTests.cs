using System.Text;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Tests.Unit.Sealing;

/// <summary>How contents of rows of format 2 are encoded. What was written once is readable for ever.</summary>
public sealed class ContentEncodingTests
{
    private static readonly string _counters = string.Concat(Enumerable.Range(1, 40).Select(i =>
        $"{{\"version\":{i},\"ceiling\":1024,\"decrypted\":0,\"verified\":0,\"bytes\":0}},"));

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    public void Encode_Small_IsTheContentAfterAZero(string content)
    {
        var bytes = Encoding.UTF8.GetBytes(content);

        var encoded = ContentEncoding.Encode(bytes, mayCompress: true);

        Assert.Equal([0, .. bytes], encoded);
        Assert.Equal(bytes, ContentEncoding.TryDecode(encoded));
    }

    [Fact]
    public void Encode_LargeOfARowThatMay_IsCompressed()
    {
        var bytes = Encoding.UTF8.GetBytes(_counters);

        var encoded = ContentEncoding.Encode(bytes, mayCompress: true);

        Assert.Equal([1, 0, 0, (byte)(bytes.Length >> 8), (byte)bytes.Length], encoded[..5]);
        Assert.True(encoded.Length * 5 < bytes.Length, $"{encoded.Length} of {bytes.Length}");
        Assert.Equal(bytes, ContentEncoding.TryDecode(encoded));
    }

    [Fact]
    public void Encode_LargeOfARowThatMayNot_IsAsLongAsTheContent()
    {
        var bytes = Encoding.UTF8.GetBytes(_counters);
        Assert.Equal([0, .. bytes], ContentEncoding.Encode(bytes, mayCompress: false));
    }

    [Fact]
    public void Encode_WhatDoesNotCompress_StaysAsItIs()
    {
        var bytes = new byte[1021];
        new Random(1).NextBytes(bytes);
        Assert.Equal([0, .. bytes], ContentEncoding.Encode(bytes, mayCompress: true));
    }

    /// <summary>Compressed by another implementation of RFC 7932.</summary>
    [Fact]
    public void Decode_Golden_IsReadable() =>
        Assert.Equal(string.Concat(Enumerable.Repeat("0123456789", 60)), Encoding.UTF8.GetString(ContentEncoding.TryDecode(Convert.FromHexString("01000002581b5702f8c50dc6e6258d283014000128a7b3f7"))!));

    [Theory]
    [InlineData("")]
    [InlineData("02")]
    [InlineData("01")]
    [InlineData("01000000")]
    [InlineData("0100000001")]
    [InlineData("01ffffffff06")]
    [InlineData("010400000106")]
    [InlineData("010000000106")]
    public void Decode_NotEncoded_IsNull(string hex) => Assert.Null(ContentEncoding.TryDecode(Convert.FromHexString(hex)));
}
