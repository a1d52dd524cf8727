using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>A record is JSON, whatever its texts hold, and says what <see cref="JsonSerializer"/> would.</summary>
public sealed class AuditRecordFormatTests
{
    private const string Time = "2026-11-29T12:34:56.1234567Z";

    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("\"quoted\" and C:\\path")]
    [InlineData("</script>&'+")]
    [InlineData("line\r\nend\ttab\u0001\u007f\u0085\u2028")]
    [InlineData("Schlüssel für Käse, 鍵, 🔑")]
    public void Texts_AreEscaped(string text)
    {
        var record = Read(new(text, text)
        {
            Caller = new(text, text, text) { Credential = text, TraceId = text },
            KeyId = text,
            Alias = text,
            Detail = text,
        });
        string[] names = ["action", "outcome", "principal", "source", "request_id", "credential", "trace_id", "key_id", "alias", "detail"];
        Assert.All(names, name => Assert.Equal(text, record.GetProperty(name).GetString()));
    }

    [Fact]
    public void WhatNoJsonOrDatabaseTakes_IsReplaced_AndLongTextsAreCut()
    {
        Assert.Equal("a\ufffdb", Read(new("a\0b", "ok")).GetProperty("action").GetString());
        Assert.Equal("a\ufffdb", Read(new("a\ud83db", "ok")).GetProperty("action").GetString());
        Assert.Equal(new string('x', 512), Read(new(new string('x', 600), "ok")).GetProperty("action").GetString());
        Assert.Equal(new string('"', 512), Read(new(new string('"', 600), "ok")).GetProperty("action").GetString());
        Assert.Equal(new string('x', 511) + '\ufffd', Read(new(new string('x', 511) + "🔑", "ok")).GetProperty("action").GetString());
    }

    [Fact]
    public void AllMembers_StandInOrder()
    {
        using var mac = Mac();
        var record = new AuditRecord("keys:encrypt", "ok")
        {
            At = DateTimeOffset.Parse("2026-01-02T03:04:05+01:00", System.Globalization.CultureInfo.InvariantCulture),
            Caller = new("p", "s", "r") { Credential = "c", TraceId = "t" },
            KeyId = "k",
            KeyVersion = 3,
            Alias = "a",
            Bytes = long.MaxValue,
            Items = 10,
            FailedItems = 0,
            AssociatedData = "data"u8.ToArray(),
            Times = 2,
            Revision = long.MinValue,
            Detail = "d",
        };
        var hmac = Convert.ToBase64String(HMACSHA256.HashData(new byte[AssociatedDataMac.Length], "data"u8));
        Assert.Equal(
            "\"time\":\"2026-01-02T02:04:05.0000000Z\",\"log\":\"the-log\",\"request_id\":\"r\",\"trace_id\":\"t\",\"principal\":\"p\",\"credential\":\"c\","
                + "\"source\":\"s\",\"action\":\"keys:encrypt\",\"key_id\":\"k\",\"key_version\":3,\"alias\":\"a\",\"outcome\":\"ok\",\"bytes\":9223372036854775807,"
                + $"\"items\":10,\"failed_items\":0,\"times\":2,\"associated_data_hmac\":\"{hmac}\",\"revision\":-9223372036854775808,\"detail\":\"d\"",
            Text(record));
    }

    [Fact]
    public void WhatIsNotKnown_IsLeftOut() =>
        Assert.Equal($"\"time\":\"{Time}\",\"log\":\"the-log\",\"action\":\"start\",\"outcome\":\"ok\"", Text(new("start", "ok")));

    private static AssociatedDataMac Mac() => new(new SecretBytes(AssociatedDataMac.Length));

    private static string Text(in AuditRecord record)
    {
        using var mac = Mac();
        var now = DateTime.Parse(Time, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.RoundtripKind);
        return Encoding.UTF8.GetString(AuditRecordFormat.Members(record, JsonEncodedText.Encode("the-log"), now, mac));
    }

    private static JsonElement Read(in AuditRecord record) => JsonDocument.Parse("{" + Text(record) + "}").RootElement;
}
