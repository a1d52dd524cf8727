using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// One version of a key of usage <see cref="KeyUsage.Jws"/>: it signs compact JWS (RFC 7515, 5.1 and 7.1) and hides what signs anything
/// else. Not thread-safe.
/// </summary>
/// <param name="algorithms">The key's algorithms, the default first.</param>
/// <param name="keyId">The key's id; with the version it is the header's <c>kid</c>.</param>
/// <param name="signs">The version that signs, which this disposes.</param>
internal sealed class JwsVersion(IReadOnlyList<JwsAlgorithm> algorithms, string keyId, ISigns signs) : ISignsJws
{
    private static readonly JsonWriterOptions _asIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly string _kid = FormattableString.Invariant($"{keyId}.{signs.Version}");

    /// <inheritdoc/>
    public int Version => signs.Version;

    /// <inheritdoc/>
    public bool IsAvailable => signs.IsAvailable;

    /// <inheritdoc/>
    public IReadOnlyList<JwsAlgorithm> Algorithms => algorithms;

    /// <inheritdoc/>
    public bool SignsAtOnce => signs.SignsAtOnce;

    /// <inheritdoc/>
    public void RequireRoom() => signs.RequireRoom();

    /// <inheritdoc/>
    public ValueTask<string> Sign(JwsAlgorithm algorithm, ReadOnlySpan<byte> payload, string? type)
    {
        var signed = SigningInput(algorithm.Name, payload, type);

        // ECDSA in JWS is the two numbers at their full length (RFC 7518, 3.4), never DER.
        var signing = signs.Sign(new(algorithm.Scheme, signed, IsDigest: false, SignatureEncoding.P1363, default));
        return signing.IsCompletedSuccessfully ? new(Compact(signed, signing.Result)) : Awaited(signed, signing);
    }

    /// <summary>Erases the key.</summary>
    public void Dispose() => signs.Dispose();

    private static async ValueTask<string> Awaited(byte[] signed, ValueTask<byte[]> signing) => Compact(signed, await signing);

    private static string Compact(byte[] signed, byte[] signature) =>
        string.Concat(Encoding.ASCII.GetString(signed), ".", Base64Url.EncodeToString(signature));

    private byte[] SigningInput(string algorithm, ReadOnlySpan<byte> payload, string? type)
    {
        var header = Header(algorithm, type).WrittenSpan;
        var input = new byte[Base64Url.GetEncodedLength(header.Length) + 1 + Base64Url.GetEncodedLength(payload.Length)];
        var dot = Base64Url.EncodeToUtf8(header, input);
        input[dot] = (byte)'.';
        Base64Url.EncodeToUtf8(payload, input.AsSpan(dot + 1));
        return input;
    }

    private ArrayBufferWriter<byte> Header(string algorithm, string? type)
    {
        var header = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(header, _asIs);
        writer.WriteStartObject();
        writer.WriteString("alg"u8, algorithm);
        writer.WriteString("kid"u8, _kid);
        if (type is not null)
        {
            writer.WriteString("typ"u8, type);
        }

        writer.WriteEndObject();
        writer.Flush();
        return header;
    }
}
