using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>What a token was found to do with keys of one kind.</summary>
/// <param name="Refusal">Why it holds none; null when it does.</param>
internal sealed record HsmProof(string? Refusal = null)
{
    /// <summary>The type of the keys, where tokens differ in it.</summary>
    public CKK Type { get; init; }

    /// <summary>The ways of signing that worked, the default first.</summary>
    public IReadOnlyList<SignatureScheme> Schemes { get; init; } = [];

    /// <summary>The largest message that worked, in bytes, where the token gets the message itself.</summary>
    public int MaxMessage { get; init; } = int.MaxValue;

    /// <summary>The longest key that the token says it makes, in bits.</summary>
    public ulong LongestKey { get; init; } = ulong.MaxValue;

    /// <summary>The name of the curve that the token knows (CKA_EC_PARAMS), where it has two.</summary>
    public byte[] Curve { get; init; } = [];

    /// <summary>The ways of decrypting that worked, the default first where it did.</summary>
    public IReadOnlyList<TokenOaep> Oaep { get; init; } = [];

    /// <summary>The way of agreeing that worked.</summary>
    public TokenAgreement? Agreement { get; init; }

    /// <summary>Whether decrypting by a scheme worked.</summary>
    public bool Decrypts(EncryptionScheme scheme) => Oaep.Any(one => one.Scheme == scheme);
}
