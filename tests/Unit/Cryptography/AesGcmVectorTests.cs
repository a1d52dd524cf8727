namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// Published vectors of AES-GCM with a nonce of 96 and a tag of 128 bits: the test cases of McGrew and Viega, "The
/// Galois/Counter Mode of Operation (GCM)", appendix B, and of NIST's CAVP (gcmEncryptExtIV128, gcmEncryptExtIV256).
/// </summary>
public class AesGcmVectorTests
{
    private const string CasePlaintext =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";

    private const string CaseKey = "feffe9928665731c6d6a8f9467308308";
    private const string CaseNonce = "cafebabefacedbaddecaf888";
    private const string CaseAssociatedData = "feedfacedeadbeeffeedfacedeadbeefabaddad2";

    public static TheoryData<AeadVector> McGrewViega =>
    [
        new("test case 1", "AES_128_GCM")
        {
            Key = new('0', 32), Nonce = new('0', 24), Tag = "58e2fccefa7e3061367f1d57a4e7455a",
        },
        new("test case 2", "AES_128_GCM")
        {
            Key = new('0', 32), Nonce = new('0', 24), Plaintext = new('0', 32),
            Ciphertext = "0388dace60b6a392f328c2b971b2fe78", Tag = "ab6e47d42cec13bdf53a67b21257bddf",
        },
        new("test case 3", "AES_128_GCM")
        {
            Key = CaseKey, Nonce = CaseNonce, Plaintext = CasePlaintext,
            Ciphertext = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                + "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
            Tag = "4d5c2af327cd64a62cf35abd2ba6fab4",
        },
        new("test case 4", "AES_128_GCM")
        {
            Key = CaseKey, Nonce = CaseNonce, Plaintext = CasePlaintext[..120], AssociatedData = CaseAssociatedData,
            Ciphertext = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                + "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
            Tag = "5bc94fbc3221a5db94fae95ae7121a47",
        },
        new("test case 13", "AES_256_GCM")
        {
            Key = new('0', 64), Nonce = new('0', 24), Tag = "530f8afbc74536b9a963b4f1c4cb738b",
        },
        new("test case 14", "AES_256_GCM")
        {
            Key = new('0', 64), Nonce = new('0', 24), Plaintext = new('0', 32),
            Ciphertext = "cea7403d4d606b6e074ec5d3baf39d18", Tag = "d0d1c8a799996bf0265b98b5d48ab919",
        },
        new("test case 15", "AES_256_GCM")
        {
            Key = CaseKey + CaseKey, Nonce = CaseNonce, Plaintext = CasePlaintext,
            Ciphertext = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            Tag = "b094dac5d93471bdec1a502270e3cc6c",
        },
        new("test case 16", "AES_256_GCM")
        {
            Key = CaseKey + CaseKey, Nonce = CaseNonce, Plaintext = CasePlaintext[..120], AssociatedData = CaseAssociatedData,
            Ciphertext = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            Tag = "76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];

    public static TheoryData<AeadVector> Cavp128 =>
    [
        new("PTlen 0, AADlen 0, count 0", "AES_128_GCM")
        {
            Key = "11754cd72aec309bf52f7687212e8957", Nonce = "3c819d9a9bed087615030b65",
            Tag = "250327c674aaf477aef2675748cf6971",
        },
        new("PTlen 0, AADlen 128, count 0", "AES_128_GCM")
        {
            Key = "77be63708971c4e240d1cb79e8d77feb", Nonce = "e0e00f19fed7ba0136a797f3",
            AssociatedData = "7a43ec1d9c0a5a78a0b16533a6213cab", Tag = "209fcc8d3675ed938e9c7166709dd946",
        },
        new("PTlen 128, AADlen 0, count 0", "AES_128_GCM")
        {
            Key = "7fddb57453c241d03efbed3ac44e371c", Nonce = "ee283a3fc75575e33efd4887",
            Plaintext = "d5de42b461646c255c87bd2962d3b9a2", Ciphertext = "2ccda4a5415cb91e135c2a0f78c9b2fd",
            Tag = "b36d1df9b9d5e596f83e8b7f52971cb3",
        },
        new("PTlen 408, AADlen 128, count 0", "AES_128_GCM")
        {
            Key = "b61553bb854895b929751cd0c5f80384", Nonce = "8863f999ae64e55d0bbd7457",
            Plaintext = "9b1b113217d0c4ea7943cf123c69c6ad2e3c97368c51c9754145d155dde1ee8640c8cafff17a5c9737d26a137eee4bf369096d",
            AssociatedData = "d914b5f2d1b08ce53ea59cb310587245",
            Ciphertext = "acfab4632b8a25805112f13d85e082bc89dc49bd92164fa8a2dad242c3a1b2f2696f2fdff579025f3f146ea97da3e47dc34b65",
            Tag = "5d9b5f4a9868c1c69cbd6fd851f01340",
        },
        new("PTlen 408, AADlen 128, count 1", "AES_128_GCM")
        {
            Key = "4324c97ba8c9f2a1bd447bde5e75938d", Nonce = "bcac68106a3fc22048462bc9",
            Plaintext = "789fc14b7d4ec83ec783c0ef38faa6706031ade4e65ae91f0e1c579b8c8652e94e04c4ee5d85d23d0525c133a93a9539448ca1",
            AssociatedData = "2a893eec2eeef4c2e9c305428b9e3293",
            Ciphertext = "2ba721de1aa7afba69cd0fa492fcad5fe639d855c1f280802b9cd5dff37f4bf54a117b8f400cb63906a3c78cdc1ae98b0c30d1",
            Tag = "171df263a72252f2c44f5a63f089adb1",
        },
    ];

    public static TheoryData<AeadVector> Cavp256 =>
    [
        new("PTlen 0, AADlen 0, count 0", "AES_256_GCM")
        {
            Key = "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4", Nonce = "516c33929df5a3284ff463d7",
            Tag = "bdc1ac884d332457a1d2664f168c76f0",
        },
        new("PTlen 0, AADlen 160, count 0", "AES_256_GCM")
        {
            Key = "886cff5f3e6b8d0e1ad0a38fcdb26de97e8acbe79f6bed66959a598fa5047d65", Nonce = "3a8efa1cd74bbab5448f9945",
            AssociatedData = "519fee519d25c7a304d6c6aa1897ee1eb8c59655", Tag = "f6d47505ec96c98a42dc3ae719877b87",
        },
        new("PTlen 128, AADlen 0, count 0", "AES_256_GCM")
        {
            Key = "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22", Nonce = "0d18e06c7c725ac9e362e1ce",
            Plaintext = "2db5168e932556f8089a0622981d017d", Ciphertext = "fa4362189661d163fcd6a56d8bf0405a",
            Tag = "d636ac1bbedd5cc3ee727dc2ab4a9489",
        },
        new("PTlen 128, AADlen 128, count 0", "AES_256_GCM")
        {
            Key = "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b", Nonce = "ac93a1a6145299bde902f21a",
            Plaintext = "2d71bcfa914e4ac045b2aa60955fad24", AssociatedData = "1e0889016f67601c8ebea4943bc23ad6",
            Ciphertext = "8995ae2e6df3dbf96fac7b7137bae67f", Tag = "eca5aa77d51d4a0a14d9c51e1da474ab",
        },
        new("PTlen 104, AADlen 0, count 0", "AES_256_GCM")
        {
            Key = "82c4f12eeec3b2d3d157b0f992d292b237478d2cecc1d5f161389b97f999057a", Nonce = "7b40b20f5f397177990ef2d1",
            Plaintext = "982a296ee1cd7086afad976945", Ciphertext = "ec8e05a0471d6b43a59ca5335f",
            Tag = "113ddeafc62373cac2f5951bb9165249",
        },
        new("PTlen 256, AADlen 128, count 0", "AES_256_GCM")
        {
            Key = "37ccdba1d929d6436c16bba5b5ff34deec88ed7df3d15d0f4ddf80c0c731ee1f", Nonce = "5c1b21c8998ed6299006d3f9",
            Plaintext = "ad4260e3cdc76bcc10c7b2c06b80b3be948258e5ef20c508a81f51e96a518388",
            AssociatedData = "22ed235946235a85a45bc5fad7140bfa",
            Ciphertext = "3b335f8b08d33ccdcad228a74700f1007542a4d1e7fc1ebe3f447fe71af29816",
            Tag = "1fbf49cc46f458bf6e88f6370975e6d4",
        },
        new("PTlen 408, AADlen 160, count 0", "AES_256_GCM")
        {
            Key = "24501ad384e473963d476edcfe08205237acfd49b5b8f33857f8114e863fec7f", Nonce = "9ff18563b978ec281b3f2794",
            Plaintext = "27f348f9cdc0c5bd5e66b1ccb63ad920ff2219d14e8d631b3872265cf117ee86757accb158bd9abb3868fdc0d0b074b5f01b2c",
            AssociatedData = "adb5ec720ccf9898500028bf34afccbcaca126ef",
            Ciphertext = "eb7cb754c824e8d96f7c6d9b76c7d26fb874ffbf1d65c6f64a698d839b0b06145dae82057ad55994cf59ad7f67c0fa5e85fab8",
            Tag = "bc95c532fecc594c36d1550286a7a3f0",
        },
    ];

    [Theory]
    [MemberData(nameof(McGrewViega))]
    public void McGrewViega_AppendixB_Holds(AeadVector vector) => vector.AssertHolds();

    [Theory]
    [MemberData(nameof(Cavp128))]
    public void Cavp_GcmEncryptExtIV128_Holds(AeadVector vector) => vector.AssertHolds();

    [Theory]
    [MemberData(nameof(Cavp256))]
    public void Cavp_GcmEncryptExtIV256_Holds(AeadVector vector) => vector.AssertHolds();
}
