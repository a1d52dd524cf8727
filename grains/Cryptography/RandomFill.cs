namespace OrleansKms.Grains.Cryptography;

/// <summary>Fills bytes at random; given from outside, so that published vectors can be tried.</summary>
/// <param name="bytes">The bytes.</param>
internal delegate void RandomFill(Span<byte> bytes);
