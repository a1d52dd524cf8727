using System.Text;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The vector of draft-irtf-cfrg-xchacha-03 for the AEAD.</summary>
public class XChaCha20Poly1305VectorTests
{
    [Fact]
    public void Draft_AppendixA31_Holds() => new AeadVector("draft-irtf-cfrg-xchacha-03, A.3.1", "XCHACHA20_POLY1305")
    {
        Key = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        Nonce = "404142434445464748494a4b4c4d4e4f5051525354555657",
        AssociatedData = "50515253c0c1c2c3c4c5c6c7",
        Plaintext = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")),
        Ciphertext = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
            + "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
            + "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
            + "21f9664c97637da9768812f615c68b13b52e",
        Tag = "c0875924c1c7987947deafd8780acf49",
    }.AssertHolds();
}
