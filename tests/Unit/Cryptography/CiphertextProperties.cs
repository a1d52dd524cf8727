using CsCheck;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>What holds for every key, plaintext and associated data.</summary>
public class CiphertextProperties
{
    internal sealed record Case(
        AeadAlgorithm Algorithm, CiphertextKind Kind, string KeyId, int Version, byte[] Plaintext, byte[] AssociatedData)
    {
        internal IEncryptsAtOnce Open(int start = 0) => Algorithm.Open(KeyId, Version, start);
    }

    private const string Outer = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    private static readonly Gen<string> _keyId = Gen.Select(
        Gen.Char[Outer], Gen.Char[Outer + ".-"].Array[0, 126], Gen.Char[Outer],
        (first, middle, last) => first + new string(middle) + last);

    private static readonly Gen<Case> _case = Gen.Select(
        Gen.Int[0, AlgorithmRegistry.Aeads.Length - 1].Select(i => AlgorithmRegistry.Aead(AlgorithmRegistry.Aeads[i].Spec)),
        Gen.Int[1, 3].Select(kind => (CiphertextKind)kind),
        _keyId,
        Gen.Int[1, int.MaxValue],
        Gen.Byte.Array[0, 300],
        Gen.Byte.Array[0, 700],
        (algorithm, kind, id, version, plaintext, associatedData) =>
            new Case(algorithm, kind, id, version, plaintext, associatedData));

    [Fact]
    public void WhatIsEncrypted_Decrypts() => _case.Sample(c =>
    {
        using var cipher = c.Open();
        var ciphertext = cipher.EncryptToArray(c.Kind, c.Plaintext, c.AssociatedData);
        return CiphertextHeader.TryRead(ciphertext, out var header)
            && header.Kind == c.Kind && header.Algorithm == c.Algorithm.Id
            && header.KeyId == c.KeyId && header.KeyVersion == c.Version
            && cipher.DecryptToArray(header, ciphertext, c.AssociatedData) is { } plaintext
            && plaintext.AsSpan().SequenceEqual(c.Plaintext);
    });

    [Fact]
    public void AnyChangedBit_IsAForgery() => Gen.Select(_case, Gen.Int[0, int.MaxValue]).Sample((c, where) =>
    {
        using var cipher = c.Open();
        var ciphertext = cipher.EncryptToArray(c.Kind, c.Plaintext, c.AssociatedData);
        var bit = where % (8 * ciphertext.Length);
        ciphertext[bit / 8] ^= (byte)(1 << (bit % 8));
        return !CiphertextHeader.TryRead(ciphertext, out var header)
            || cipher.DecryptToArray(header, ciphertext, c.AssociatedData) is null;
    }, iter: 500);

    [Fact]
    public void AnyOtherAssociatedData_IsAForgery() => Gen.Select(_case, Gen.Byte.Array[0, 700]).Sample((c, other) =>
    {
        using var cipher = c.Open();
        var ciphertext = cipher.EncryptToArray(c.Kind, c.Plaintext, c.AssociatedData);
        return !CiphertextHeader.TryRead(ciphertext, out var header)
            || other.AsSpan().SequenceEqual(c.AssociatedData)
            || cipher.DecryptToArray(header, ciphertext, other) is null;
    }, iter: 500);

    [Fact]
    public void AnyOtherKey_IsAForgery() => Gen.Select(_case, Gen.Int[1, 255]).Sample((c, start) =>
    {
        using var cipher = c.Open();
        using var other = c.Open(start);
        var ciphertext = other.EncryptToArray(c.Kind, c.Plaintext, c.AssociatedData);
        return CiphertextHeader.TryRead(ciphertext, out var header)
            && cipher.DecryptToArray(header, ciphertext, c.AssociatedData) is null;
    }, iter: 500);
}
