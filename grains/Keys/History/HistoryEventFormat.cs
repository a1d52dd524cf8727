using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.History;

/// <summary>Encodes and hashes events. FORMAT.md is the specification.</summary>
internal static class HistoryEventFormat
{
    /// <summary>The length of a hash in bytes.</summary>
    public const int HashLength = SHA256.HashSizeInBytes;

    private const string Purpose = "okms.key.history.v1";
    private const byte Format = 1;
    private const int Fixed = 1 + (3 * sizeof(long)) + HashLength;
    private const int FieldPrefix = 1 + sizeof(ushort);
    private const int MaxText = 128;
    private const int MaxReason = 512;

    private enum Tag : byte
    {
        Action = 1,
        Principal = 2,
        Source = 3,
        RequestId = 4,
        Credential = 5,
        Version = 6,
        Reason = 7,
        Epoch = 8,
    }

    /// <summary>Encodes an event. Overlong texts are truncated: a .NET caller can claim anything.</summary>
    public static byte[] Encode(HistoryEvent value)
    {
        var writer = new ArrayBufferWriter<byte>(256);
        var start = writer.GetSpan(Fixed);
        start[0] = Format;
        BinaryPrimitives.WriteInt64BigEndian(start[1..], value.Number);
        BinaryPrimitives.WriteInt64BigEndian(start[9..], value.Time.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(start[17..], value.Revision);
        value.Previous.CopyTo(start[25..]);
        writer.Advance(Fixed);
        Write(writer, Tag.Action, value.Action, MaxText);
        Write(writer, Tag.Principal, value.Principal, MaxText);
        Write(writer, Tag.Source, value.Source, MaxText);
        Write(writer, Tag.RequestId, value.RequestId, MaxText);
        Write(writer, Tag.Credential, value.Credential, MaxText);
        Write(writer, Tag.Version, value.Version);
        Write(writer, Tag.Reason, value.Reason, MaxReason);
        Write(writer, Tag.Epoch, value.Epoch == 0 ? null : value.Epoch);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Decodes an event.</summary>
    /// <returns>Null if the bytes are not an event. Fields of a newer version are ignored.</returns>
    public static HistoryEvent? TryDecode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Fixed || bytes[0] != Format || !TryReadTime(bytes[9..], out var time) || !TryReadFields(bytes[Fixed..], out var fields))
        {
            return null;
        }

        return new()
        {
            Number = BinaryPrimitives.ReadInt64BigEndian(bytes[1..]),
            Time = time,
            Revision = BinaryPrimitives.ReadInt64BigEndian(bytes[17..]),
            Previous = bytes.Slice(25, HashLength).ToArray(),
            Action = fields.Action ?? "",
            Principal = fields.Principal ?? "",
            Source = fields.Source ?? "",
            RequestId = fields.RequestId ?? "",
            Credential = fields.Credential,
            Version = fields.Version,
            Reason = fields.Reason,
            Epoch = fields.Epoch,
        };
    }

    /// <summary>The hash of an event, which covers the key and its incarnation: no other has an event with the same hash.</summary>
    public static byte[] Hash(string keyId, Incarnation incarnation, ReadOnlySpan<byte> bytes) =>
        SHA256.HashData(new AssociatedData().Add(Purpose).Add(keyId).Add(incarnation).Add(bytes).Span);

    private static bool TryReadTime(ReadOnlySpan<byte> bytes, out DateTimeOffset time)
    {
        var milliseconds = BinaryPrimitives.ReadInt64BigEndian(bytes);
        var isTime = milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        time = isTime ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : default;
        return isTime;
    }

    // Tags are in ascending order, so that fields have one order and none occurs twice.
    private static bool TryReadFields(ReadOnlySpan<byte> bytes, out Fields fields)
    {
        fields = new();
        for (var last = 0; bytes.Length > 0;)
        {
            if (bytes.Length < FieldPrefix || bytes[0] <= last)
            {
                return false;
            }

            last = bytes[0];
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
            if (length > bytes.Length - FieldPrefix || !fields.TryTake((Tag)last, bytes.Slice(FieldPrefix, length)))
            {
                return false;
            }

            bytes = bytes[(FieldPrefix + length)..];
        }

        return true;
    }

    private static void Write(ArrayBufferWriter<byte> writer, Tag tag, string? text, int max)
    {
        if (text is not null)
        {
            Write(writer, tag, Encoding.UTF8.GetBytes(text.Length <= max ? text : text[..max]));
        }
    }

    private static void Write(ArrayBufferWriter<byte> writer, Tag tag, int? number)
    {
        if (number is { } value)
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32BigEndian(bytes, value);
            Write(writer, tag, bytes);
        }
    }

    private static void Write(ArrayBufferWriter<byte> writer, Tag tag, ReadOnlySpan<byte> value)
    {
        var prefix = writer.GetSpan(FieldPrefix);
        prefix[0] = (byte)tag;
        BinaryPrimitives.WriteUInt16BigEndian(prefix[1..], (ushort)value.Length);
        writer.Advance(FieldPrefix);
        writer.Write(value);
    }

    private struct Fields
    {
        public string? Action, Principal, Source, RequestId, Credential, Reason;
        public int? Version;
        public int Epoch;

        public bool TryTake(Tag tag, ReadOnlySpan<byte> value)
        {
            switch (tag)
            {
                case Tag.Action: Action = Encoding.UTF8.GetString(value); break;
                case Tag.Principal: Principal = Encoding.UTF8.GetString(value); break;
                case Tag.Source: Source = Encoding.UTF8.GetString(value); break;
                case Tag.RequestId: RequestId = Encoding.UTF8.GetString(value); break;
                case Tag.Credential: Credential = Encoding.UTF8.GetString(value); break;
                case Tag.Reason: Reason = Encoding.UTF8.GetString(value); break;
                case Tag.Version when value.Length == sizeof(int): Version = BinaryPrimitives.ReadInt32BigEndian(value); break;
                case Tag.Epoch when value.Length == sizeof(int): Epoch = BinaryPrimitives.ReadInt32BigEndian(value); break;
                case Tag.Version or Tag.Epoch: return false;
            }

            return true;
        }
    }
}
