namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// Ciphertexts that must decrypt for ever; they were computed from FORMAT.md with another implementation of the AEADs. A
/// released row is never changed or removed. The material is the bytes 00, 01, 02, …; the nonce a0, a1, a2, ….
/// </summary>
internal static class GoldenCiphertexts
{
    internal sealed record Row(
        string Spec, CiphertextKind Kind, string KeyId, int Version, string Plaintext, string AssociatedData, string Ciphertext);

    private const string LongestId =
        "_a.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-"
        + "Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Za.-Zxyz";

    internal static readonly Row[] Rows =
    [
        new("AES_256_GCM", CiphertextKind.Data, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "010100000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab87381b4229af67d14215ebb2"
            + "6e14b4bb08d8824de005e8f0ac16e5acb7cc78e10f02"),
        new("AES_256_GCM", CiphertextKind.DataKey, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "020100000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab87381b4229af67d14215ebb2"
            + "6e14b4bb08d89b8eae2c5b83ac94c6cea9462b9e54c1"),
        new("AES_256_GCM", CiphertextKind.DataKeyPair, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "030100000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab87381b4229af67d14215ebb2"
            + "6e14b4bb08d82d306bcb3552acead810a33fe54b627f"),
        new("AES_128_GCM", CiphertextKind.Data, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "010200000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabcba65fd412ed5664aa08d961"
            + "2f7cc4052b9a110653ad57901a6530770f82cb4329c0"),
        new("AES_128_GCM", CiphertextKind.DataKey, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "020200000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabcba65fd412ed5664aa08d961"
            + "2f7cc4052b9abb84baa1ea76921a25078e90f179219d"),
        new("AES_128_GCM", CiphertextKind.DataKeyPair, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "030200000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabcba65fd412ed5664aa08d961"
            + "2f7cc4052b9a63fae25a7ed4ea30d6280e611890d9a9"),
        new("XAES_256_GCM", CiphertextKind.Data, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "010300000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
            + "ad8c3d9bc3b38b74c676ec63595eba64ec4921e0fdafae8c9cceec2243b8c647901a"),
        new("XAES_256_GCM", CiphertextKind.DataKey, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "020300000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
            + "ad8c3d9bc3b38b74c676ec63595eba64ec49736b58ea331beebcc2c07eb90bea1432"),
        new("XAES_256_GCM", CiphertextKind.DataKeyPair, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "030300000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
            + "ad8c3d9bc3b38b74c676ec63595eba64ec4942edc4294796c092d89e6a464f71682a"),
        new("CHACHA20_POLY1305", CiphertextKind.Data, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "010400000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab6d8b1f302182a7c3807f9f75"
            + "9594899ee52a8781dd9f187de22e7cd1efaada0b1871"),
        new("CHACHA20_POLY1305", CiphertextKind.DataKey, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "020400000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab6d8b1f302182a7c3807f9f75"
            + "9594899ee52a50cbf143ac4f3f005aa51e72788da871"),
        new("CHACHA20_POLY1305", CiphertextKind.DataKeyPair, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "030400000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab6d8b1f302182a7c3807f9f75"
            + "9594899ee52a141506e83f229cd137794d39160f3972"),
        new("AES_256_GCM", CiphertextKind.Data, "k", 1, "", "",
            "010100000001016ba0a1a2a3a4a5a6a7a8a9aaab10d8b39e5841f79bd6f1be5b681b9288"),
        new("AES_128_GCM", CiphertextKind.Data, "k", 1, "", "",
            "010200000001016ba0a1a2a3a4a5a6a7a8a9aaabb202c28109e1c778e345e3d7efa72b55"),
        new("XAES_256_GCM", CiphertextKind.Data, "k", 1, "", "",
            "010300000001016ba0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b71470b5a2fdd9679f4d8df26403b5db34"),
        new("CHACHA20_POLY1305", CiphertextKind.Data, "k", 1, "", "",
            "010400000001016ba0a1a2a3a4a5a6a7a8a9aaab94685192a97717b32d508f5a37c13a85"),
        new("AES_256_GCM", CiphertextKind.Data, LongestId, int.MaxValue, "x", "",
            "01017fffffff805f612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a78797aa0a1a2a3a4a5a6a7a8"
            + "a9aaab9eec276bb0b133fa2268222d79063273c3"),
        new("AES_128_GCM", CiphertextKind.Data, LongestId, int.MaxValue, "x", "",
            "01027fffffff805f612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a78797aa0a1a2a3a4a5a6a7a8"
            + "a9aaabd2b8321981c86465aff77ec563238fcfaa"),
        new("XAES_256_GCM", CiphertextKind.Data, LongestId, int.MaxValue, "x", "",
            "01037fffffff805f612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a78797aa0a1a2a3a4a5a6a7a8"
            + "a9aaabacadaeafb0b1b2b3b4b5b6b7b49f5d08583de09d86f8344655d2b46012"),
        new("CHACHA20_POLY1305", CiphertextKind.Data, LongestId, int.MaxValue, "x", "",
            "01047fffffff805f612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a78797aa0a1a2a3a4a5a6a7a8"
            + "a9aaab74b902da4e2f56860694081c75766d1856"),
        new("AES_256_GCM_SIV", CiphertextKind.Data, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "010500000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab6bbdaaa54cda245b59815a93"
            + "06756e92a726a69073a47c1b143285a0b4e054ad57d3"),
        new("AES_256_GCM_SIV", CiphertextKind.DataKey, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "020500000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaab16a30394e2d34193a6c51865"
            + "177ab8e69b2533e323d5d3e5ac8b411ebd9bc6596ee5"),
        new("AES_256_GCM_SIV", CiphertextKind.DataKeyPair, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "030500000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabf0982ed10bfecf14824d4caa"
            + "55e57765601efdc8340f9f2604e039f1803e5eeeb31e"),
        new("XCHACHA20_POLY1305", CiphertextKind.Data, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "010600000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
            + "24cc6d72db39c1c2411f41e8185ed7a543ded7cf138c76d90c3a94f3e64afd946b1b"),
        new("XCHACHA20_POLY1305", CiphertextKind.DataKey, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "020600000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
            + "24cc6d72db39c1c2411f41e8185ed7a543de128c5eae86dff9d83fb31f7f0ed66dff"),
        new("XCHACHA20_POLY1305", CiphertextKind.DataKeyPair, "payments.eu.cards", 7, "a golden plaintext", "golden associated data",
            "030600000007117061796d656e74732e65752e6361726473a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
            + "24cc6d72db39c1c2411f41e8185ed7a543de4d48a9d096e5e677eb7258b31f1770e3"),
        new("AES_256_GCM_SIV", CiphertextKind.Data, "k", 1, "", "",
            "010500000001016ba0a1a2a3a4a5a6a7a8a9aaaba425285240d4d1f3f465af16fef98938"),
        new("XCHACHA20_POLY1305", CiphertextKind.Data, "k", 1, "", "",
            "010600000001016ba0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7a33bdddc9f402a3c5d213a7e7cf30b26"),
        new("AES_256_GCM_SIV", CiphertextKind.Data, LongestId, int.MaxValue, "x", "",
            "01057fffffff805f612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a78797aa0a1a2a3a4a5a6a7a8"
            + "a9aaab1b249cb661a707b6ec2c6200b96c4abb29"),
        new("XCHACHA20_POLY1305", CiphertextKind.Data, LongestId, int.MaxValue, "x", "",
            "01067fffffff805f612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a"
            + "612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a612e2d5a78797aa0a1a2a3a4a5a6a7a8"
            + "a9aaabacadaeafb0b1b2b3b4b5b6b73d8b0885740ea8ebc5c1bd50f5ebc17371"),
    ];
}
