using System.Text;
using OrleansKms.Silo.Verbs;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Values of a command line, and what verbs have printed on its way back in.</summary>
public sealed class VerbInputTests : IDisposable
{
    private static readonly byte[] _ciphertext = [1, 1, 0, 0, 0, 7, 3, .. "key"u8, 250, 251, 252, 253, 254, 255];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-input-");

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<byte[]> Forms => new(
        _ciphertext,
        Bytes(Convert.ToBase64String(_ciphertext)),
        Bytes(Convert.ToBase64String(_ciphertext) + "\n"),
        Bytes(" " + Convert.ToBase64String(_ciphertext).Insert(8, "\r\n") + "\r\n"),
        Bytes(Convert.ToBase64String(_ciphertext).Replace('+', '-').Replace('/', '_').TrimEnd('=')),
        Bytes($$"""{"key_id":"key","key_version":7,"ciphertext":"{{Convert.ToBase64String(_ciphertext)}}"}"""),
        Bytes($$""" { "ciphertext": "{{Convert.ToBase64String(_ciphertext)}}" } """));

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Ciphertext_InAnyFormThatAVerbPrints_IsTheSame(byte[] form)
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder.FullName, "c"), form);
        Assert.Equal(_ciphertext, (await VerbInput.Made(ContextOf([]), "@c", "ciphertext", VerbInput.IsCiphertext)).Bytes);
        Assert.Equal(_ciphertext, (await VerbInput.Made(ContextOf(form), null, "ciphertext", VerbInput.IsCiphertext)).Bytes);
        Assert.Equal(_ciphertext, (await VerbInput.Made(ContextOf(form), "-", "ciphertext", VerbInput.IsCiphertext)).Bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("{\"ciphertext\": 1}")]
    [InlineData("{\"plaintext\": \"AQ==\"}")]
    [InlineData("{")]
    [InlineData("AQ==")]
    [InlineData("QVFFQUFBQUhBMnRsZVE9PQ==")] // base64 of base64
    public async Task Ciphertext_InNoForm_IsRefusedHere(string input)
    {
        var failure = await Assert.ThrowsAsync<VerbException>(() => VerbInput.Made(ContextOf(Bytes(input)), null, "ciphertext", VerbInput.IsCiphertext));
        Assert.Equal(("invalid_ciphertext", ExitCode.Refused), (failure.Code, failure.ExitCode));
    }

    [Fact]
    public async Task Signature_HasNoHeader_SoBytesThatAreNoBase64AreItself()
    {
        byte[] signature = [0x30, 0x45, 0x02, 0xff, 0];
        Assert.Equal(signature, (await VerbInput.Made(ContextOf(signature), null, "signature")).Bytes);
        Assert.Equal(signature, (await VerbInput.Made(ContextOf([]), Convert.ToBase64String(signature), "signature")).Bytes);
        Assert.Equal(signature, (await VerbInput.Made(ContextOf(Bytes($$"""{"signature":"{{Convert.ToBase64String(signature)}}"}""")), "-", "signature")).Bytes);
        await Assert.ThrowsAsync<VerbException>(() => VerbInput.Made(ContextOf([]), "not base64!", "signature"));
    }

    [Theory]
    [InlineData("text", "text")]
    [InlineData("", "")]
    [InlineData("é", "é")]
    [InlineData("base64:aGVsbG8=", "hello")]
    [InlineData("base64:aGVsbG8", "hello")]
    [InlineData("hex:68656C6c6f", "hello")]
    [InlineData("@f", "from a file")]
    [InlineData("-", "from input")]
    [InlineData(null, "from input")]
    public async Task Value_IsInOneOfTheForms(string? value, string expected)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "f"), "from a file");
        Assert.Equal(expected, Encoding.UTF8.GetString(await VerbInput.Bytes(ContextOf(Bytes("from input")), value)));
    }

    [Theory]
    [InlineData("base64:?", "not base64")]
    [InlineData("hex:1", "not hexadecimal")]
    [InlineData("@missing", "does not exist")]
    [InlineData("@.", "denied")]
    public async Task Value_ThatCannotBeRead_IsAWrongCall(string value, string reason)
    {
        var failure = await Assert.ThrowsAsync<VerbException>(() => VerbInput.Bytes(ContextOf([]), value));
        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Value_ThatIsTooLong_EndsTheReading()
    {
        await using var endless = new Endless();
        var failure = await Assert.ThrowsAsync<VerbException>(() => VerbInput.Bytes(new Context(_folder.FullName, endless), null));
        Assert.Equal("payload_too_large", failure.Code);
        Assert.Contains("encrypt-file", failure.Line, StringComparison.Ordinal);
        Assert.InRange(endless.Given, VerbInput.MaxBytes, 2 * VerbInput.MaxBytes);
    }

    [Fact]
    public async Task Input_IsForOneValue()
    {
        var context = ContextOf(Bytes("once"));
        await VerbInput.Bytes(context, "-");
        Assert.Equal(ExitCode.Usage, (await Assert.ThrowsAsync<VerbException>(() => VerbInput.Bytes(context, null))).ExitCode);
    }

    [Theory]
    [InlineData("sha256", "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824")]
    [InlineData("SHA-256", "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824")]
    public async Task Hash_IsThatOfTheValue(string name, string digest)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "h"), "hello");
        Assert.Equal(digest, Convert.ToHexString(await VerbInput.Hash(ContextOf([]), "hello", name)));
        Assert.Equal(digest, Convert.ToHexString(await VerbInput.Hash(ContextOf([]), "@h", name)));
        Assert.Equal(digest, Convert.ToHexString(await VerbInput.Hash(ContextOf(Bytes("hello")), null, name)));
        await Assert.ThrowsAsync<VerbException>(() => VerbInput.Hash(ContextOf([]), "hello", "md5"));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private Context ContextOf(byte[] input) => new(_folder.FullName, new MemoryStream(input));

    private sealed class Context(string directory, Stream input) : VerbContext
    {
        public override string Directory => directory;

        public override Stream Input => input;

        public override bool InputIsTerminal => false;
    }

    private sealed class Endless : MemoryStream
    {
        public long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Given += buffer.Length;
            return new(buffer.Length);
        }
    }
}
