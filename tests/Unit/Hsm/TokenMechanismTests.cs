using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;

namespace OrleansKms.Tests.Unit.Hsms;

/// <summary>What is found out about a token, for each kind of token: SoftHSM is one of them only.</summary>
public sealed class TokenMechanismTests
{
    private const ulong Key = 7;
    private const int Largest = 8191;

    private static readonly byte[] _plaintext = "4111 1111 1111 1111"u8.ToArray();
    private static readonly byte[] _associatedData = "customer=42"u8.ToArray();

    [Theory]
    [InlineData("Caller", CKR.CKR_ENCRYPTED_DATA_INVALID)]
    [InlineData("WrittenBack", CKR.CKR_GENERAL_ERROR)]
    [InlineData("Appended", CKR.CKR_DEVICE_ERROR)]
    public void Gcm_WhoeverMakesTheIv_IsFound_AndOpens(string iv, CKR forged)
    {
        using var token = new FakeToken { Iv = Enum.Parse<GcmIv>(iv), Forged = forged };

        var gcm = Prove(token);

        Assert.Contains($"IV {iv}, forgery {forged}, messages to {Largest} bytes", gcm.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(CKR.CKR_BUFFER_TOO_SMALL, token.Errors);
        var message = gcm.Encrypt(token, Key, _plaintext, _associatedData);
        Assert.Equal(_plaintext.Length + TokenGcm.Overhead, message.Length);
        Assert.NotEqual(message[..12], gcm.Encrypt(token, Key, _plaintext, _associatedData)[..12]);
        Assert.Equal(_plaintext, Decrypt(gcm, token, message));
        for (var i = 0; i < message.Length; i++)
        {
            byte[] changed = [.. message];
            changed[i] ^= 1;
            Assert.Null(Decrypt(gcm, token, changed));
        }
    }

    [Theory]
    [InlineData(CKR.CKR_BUFFER_TOO_SMALL, CKR.CKR_OPERATION_ACTIVE)]
    [InlineData(CKR.CKR_MECHANISM_PARAM_INVALID, CKR.CKR_ARGUMENTS_BAD)]
    public void Gcm_ErrorsOfTheFirstTries_LeadToTheNext(CKR first, CKR second)
    {
        using var token = new FakeToken { Iv = GcmIv.Appended, First = new([first, second]) };
        Assert.Contains("IV Appended", Prove(token).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Gcm_TokenThatIsLost_IsNotTakenForOneThatCannot()
    {
        using var token = new FakeToken { Iv = GcmIv.Caller, WrapsKeys = true, First = new([CKR.CKR_DEVICE_REMOVED]) };
        Assert.True(Assert.ThrowsAny<HsmException>(() => HsmRootCipher.Prove(token, Key, Largest)).IsTokenLost);
    }

    [Theory]
    [InlineData(null, 12, 0, CKR.CKR_MECHANISM_INVALID)]
    [InlineData("Appended", 16, 0, null)]
    [InlineData("Caller", 12, 100, CKR.CKR_BUFFER_TOO_SMALL)]
    [InlineData("Appended", 12, 100, CKR.CKR_BUFFER_TOO_SMALL)]
    public void Gcm_OfNoUse_FallsBackToKeyWrap_OrIsNamedWithIt(string? iv, int ivLength, int margin, CKR? error)
    {
        var who = iv is null ? (GcmIv?)null : Enum.Parse<GcmIv>(iv);
        using var token = new FakeToken { Iv = who, IvLength = ivLength, Margin = margin, WrapsKeys = true };

        var cipher = HsmRootCipher.Prove(token, Key, Largest);

        Assert.Null(cipher.Gcm);
        Assert.StartsWith("AES-KEY-WRAP-PAD", cipher.ToString(), StringComparison.Ordinal);
        var wrapped = cipher.Wrap(token, Key, _plaintext, header => header);
        var opened = new byte[wrapped.Length];
        Assert.Equal(_plaintext.Length, cipher.Unwrap(token, Key, wrapped, header => header, opened, () => true));
        Assert.Equal(_plaintext, opened[.._plaintext.Length]);
        wrapped[^1] ^= 1;
        Assert.Null(cipher.Unwrap(token, Key, wrapped, header => header, opened, () => true));

        using var neither = new FakeToken { Iv = who, IvLength = ivLength, Margin = margin };
        var refusal = Assert.Throws<HsmException>(() => HsmRootCipher.Prove(neither, Key, Largest)).Message;
        Assert.Contains(error is null ? "CKM_AES_GCM" : $"CKM_AES_GCM) returned {error}", refusal, StringComparison.Ordinal);
        Assert.Contains("CKM_AES_KEY_WRAP_PAD", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Refusal_NamesTheFunctionThatAnswered()
    {
        using var token = new FakeToken { First = new(Enumerable.Repeat(CKR.CKR_MECHANISM_INVALID, 4)) };
        var refusal = Assert.Throws<HsmException>(() => HsmRootCipher.Prove(token, Key, Largest)).Message;
        Assert.Contains("C_EncryptInit (CKM_AES_GCM) returned CKR_MECHANISM_INVALID", refusal, StringComparison.Ordinal);
        Assert.Contains("C_EncryptInit (CKM_AES_KEY_WRAP_PAD) returned CKR_MECHANISM_INVALID", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4000, 4000)]
    [InlineData(5000, 5000)]
    [InlineData(5001, 4096)]
    [InlineData(65536, 4096)]
    [InlineData(100_000, 4096)]
    public void LargestMessage_IsWhatIsWanted_OrElseDependsOnTheTokenAlone(int wanted, int found)
    {
        using var token = new FakeToken { Iv = GcmIv.Caller, MaxMessage = 5000 };
        Assert.Equal(found, Prove(token, wanted).MaxMessage);
    }

    [Fact]
    public void Decrypt_LargerThanWhatWasTried_IsTheTokensToDecide_AndNoForgery()
    {
        using var token = new FakeToken { Iv = GcmIv.Caller, Forged = CKR.CKR_GENERAL_ERROR };
        var gcm = Prove(token, 4096);
        var message = gcm.Encrypt(token, Key, new byte[5000], _associatedData);
        Assert.Equal(new byte[5000], Decrypt(gcm, token, message));

        token.MaxMessage = 4096;
        Assert.False(Assert.Throws<HsmSizeException>(() => Decrypt(gcm, token, message)).IsTokenLost);
        Assert.Throws<HsmLostException>(() => Decrypt(gcm, token, message, isTokenWell: false));
        Assert.Null(Decrypt(gcm, token, message[..4000]));
    }

    private static TokenGcm Prove(FakeToken token, int largest = Largest)
    {
        var gcm = TokenGcm.Prove(token, Key, largest, out var failure);
        Assert.True(gcm is not null, failure);
        return gcm;
    }

    private static byte[]? Decrypt(TokenGcm gcm, FakeToken token, byte[] message, bool isTokenWell = true)
    {
        var plaintext = new byte[message.Length];
        return gcm.Decrypt(token, Key, message, _associatedData, plaintext, () => isTokenWell) is { } length ? plaintext[..length] : null;
    }
}
