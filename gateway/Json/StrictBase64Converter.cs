using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Json;

/// <summary>Binary values in JSON: <see cref="StrictBase64"/>.</summary>
internal sealed class StrictBase64Converter : JsonConverter<byte[]>
{
    public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new JsonException();
        }

        if (!reader.HasValueSequence && !reader.ValueIsEscaped)
        {
            return StrictBase64.TryDecode(reader.ValueSpan, out var bytes) ? bytes : throw new JsonException();
        }

        return ReadEscaped(ref reader);
    }

    public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) =>
        writer.WriteBase64StringValue(value);

    // Some writers escape '+' and '/' in JSON strings.
    private static byte[] ReadEscaped(ref Utf8JsonReader reader)
    {
        var length = reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length;
        var text = ArrayPool<byte>.Shared.Rent(length);
        var written = 0;
        try
        {
            written = reader.CopyString(text);
            return StrictBase64.TryDecode(text.AsSpan(0, written), out var bytes) ? bytes : throw new JsonException();
        }
        catch (InvalidOperationException)
        {
            throw new JsonException();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text.AsSpan(0, written));
            ArrayPool<byte>.Shared.Return(text);
        }
    }
}
