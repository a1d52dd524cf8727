using System.Text;
using OrleansKms.Silo.Verbs;
using OrleansKms.Silo.Verbs.Rewrap;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Where in a record its ciphertext is, and where records end.</summary>
public sealed class RewrapFormatTests
{
    private static readonly FieldNames _names = new("ciphertext", "aad", "key", AssociatedDataIsText: false);

    [Theory]
    [InlineData("""{"ciphertext":"AQID"}""", "\"AQID\"", null, null)]
    [InlineData("""{"n":1.0,"aad":"AQ==","ciphertext" : "AQID" , "key":"k"}""", "\"AQID\"", "AQ==", "k")]
    [InlineData("""{"x":{"ciphertext":"no"},"y":[{"ciphertext":"no"},["ciphertext",{"aad":"no"}]],"ciphertext":"AQID","aad":null}""", "\"AQID\"", null, null)]
    [InlineData("""{"ciphertext":"\u0041QID","z":[[],{}]}""", "\"\\u0041QID\"", null, null)]
    public void JsonLine_HasItsFields(string line, string place, string? associatedData, string? key)
    {
        var record = Encoding.UTF8.GetBytes(line + "\r\n");
        var fields = new JsonLinesFormat(_names).Read(record);
        Assert.Equal(place, Encoding.UTF8.GetString(record[fields.Place]));
        Assert.Equal([1, 2, 3], fields.Ciphertext!);
        Assert.Equal(associatedData is null ? null : Convert.FromBase64String(associatedData), fields.AssociatedData);
        Assert.Equal((key, true), (fields.Key, fields.IsQuoted));
    }

    [Fact]
    public void JsonLine_PointerLeadsDeeper_AndTextCanBeAssociatedData()
    {
        var format = new JsonLinesFormat(new("/card/a~1b~0c", "/card/owner", Key: null, AssociatedDataIsText: true));
        var record = """{"ciphertext":"no","card":{"x":{"a/b~c":"no"},"a/b~c":"AQID","owner":"Zoë"},"a/b~c":"no"}"""u8;
        var fields = format.Read(record);
        Assert.Equal("\"AQID\"", Encoding.UTF8.GetString(record[fields.Place]));
        Assert.Equal("Zoë"u8, fields.AssociatedData!);
    }

    [Theory]
    [InlineData("{}", "has no field ciphertext")]
    [InlineData("""{"x":{"ciphertext":"AQID"}}""", "has no field ciphertext")]
    [InlineData("""{"ciphertext":"AQID","ciphertext":"AQID"}""", "twice")]
    [InlineData("""{"ciphertext":"AQID","aad":"AQ==","aad":"AQ=="}""", "twice")]
    [InlineData("""{"ciphertext":1}""", "not a string")]
    [InlineData("""{"ciphertext":{}}""", "not a string")]
    [InlineData("""{"ciphertext":["AQID"]}""", "not a string")]
    [InlineData("""{"ciphertext":"not base64"}""", "not base64")]
    [InlineData("""{"ciphertext":"AQID","aad":"*"}""", "not base64")]
    [InlineData("""["AQID"]""", "not a JSON object")]
    [InlineData("""{"ciphertext":"AQID"} {}""", "not a JSON object")]
    [InlineData("""{"ciphertext":"AQID" """, "not a JSON object")]
    [InlineData("AQID", "not a JSON object")]
    [InlineData("""{"ciphertext":"\ud800"}""", "UTF-8")]
    public void JsonLine_Malformed_SaysWhat(string line, string what) =>
        Assert.Contains(what, Assert.Throws<FormatException>(() => new JsonLinesFormat(_names).Read(Encoding.UTF8.GetBytes(line))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("  \r\n")]
    [InlineData("""{"ciphertext":null}""")]
    [InlineData("""{"ciphertext":""}""")]
    public void JsonLine_WithoutACiphertext_IsEmpty(string line) => Assert.Null(new JsonLinesFormat(_names).Read(Encoding.UTF8.GetBytes(line)).Ciphertext);

    [Theory]
    [InlineData("1,AQID,AQ==,k\n", "AQID", "AQ==", "k")]
    [InlineData("\"a,\"\"b\"\"\nc\",\"AQID\",,\r\n", "\"AQID\"", null, null)]
    [InlineData(",AQID,\"AQ==\",\"\"\"k\"\"\"", "AQID", "AQ==", "\"k\"")]
    public void CsvRecord_HasItsFields(string text, string place, string? associatedData, string? key)
    {
        var format = Csv("id,ciphertext,aad,key\n");
        var record = Encoding.UTF8.GetBytes(text);
        Assert.Equal(text.EndsWith('\n') ? record.Length : -1, format.EndOf(record));
        var fields = format.Read(record);
        Assert.Equal(place, Encoding.UTF8.GetString(record[fields.Place]));
        Assert.Equal(place.StartsWith('"'), fields.IsQuoted);
        Assert.Equal([1, 2, 3], fields.Ciphertext!);
        Assert.Equal(associatedData is null ? null : Convert.FromBase64String(associatedData), fields.AssociatedData);
        Assert.Equal(key, fields.Key);
    }

    [Theory]
    [InlineData("1,AQID,AQ==\n", "3 fields")]
    [InlineData("1,AQID,AQ==,k,5\n", "5 fields")]
    [InlineData("1,\"AQID,AQ==,k\n", "never closed")]
    [InlineData("1,\"AQID\"x,AQ==,k\n", "follows a closing")]
    [InlineData("1,AQ\"ID,AQ==,k\n", "within a field")]
    [InlineData("1,*,AQ==,k\n", "not base64")]
    public void CsvRecord_Malformed_SaysWhat(string record, string what) =>
        Assert.Contains(what, Assert.Throws<FormatException>(() => Csv("id,ciphertext,aad,key\n").Read(Encoding.UTF8.GetBytes(record))).Message, StringComparison.Ordinal);

    [Fact]
    public void TsvRecord_IsALine_WhateverMarksAreInIt()
    {
        string[] records = ["id\tciphertext\taad\tkey\r\n", "\"5 inches\tAQID\t\t\n", "a\"b\tAQID\tAQ==\t\"k\"\r\n", "\t\t\t\n", "\"\"\tAQID\t\tk"];
        var format = new TsvFormat(_names);
        var reader = new RecordReader(new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(records))), format, line: 1);
        var read = new List<string>();
        var fields = new List<RecordFields>();
        while (reader.Read() is { } record)
        {
            read.Add(Encoding.UTF8.GetString(record));
            if (read.Count == 1) format.ReadHeader(record);
            else fields.Add(format.Read(record));
            if (fields is [.., { Ciphertext: not null } last]) Assert.Equal(("AQID", false), (Encoding.UTF8.GetString(record[last.Place]), last.IsQuoted));
        }

        Assert.Equal(records, read);
        Assert.Equal(["AQID", "AQID", null, "AQID"], fields.Select(one => one.Ciphertext is null ? null : Convert.ToBase64String(one.Ciphertext)));
        Assert.Equal([null, "\"k\"", null, "k"], fields.Select(one => one.Key));
        Assert.Contains("3 fields", Assert.Throws<FormatException>(() => format.Read("\tAQID\t\n"u8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CsvHeader_NamesTheColumns_OrIsRefused()
    {
        Assert.Equal([1, 2, 3], Csv("\uFEFF\"ciphertext\",aad,key\r\n").Read("AQID,,\n"u8).Ciphertext!);
        Assert.Null(Csv("ciphertext,aad,key").Read(",,\n"u8).Ciphertext);
        Assert.Null(Csv("ciphertext,aad,key").Read("\r\n"u8).Ciphertext);
        foreach (var header in (string[])["id,aad,key\n", "ciphertext,ciphertext,aad,key\n", "ciphertext,aad,\"key\n", ""])
        {
            Assert.Equal(ExitCode.Usage, Assert.Throws<VerbException>(() => Csv(header)).ExitCode);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1 << 20)]
    public void Records_ComeWhole_HoweverTheyAreRead(int piece)
    {
        string[] records = ["id,ciphertext,aad,key\r\n", "\"1\n2\n\"\"3\",AQID,,\n", "\n", "x,\"" + new string('A', 300_000) + "\",,\r\n", ",,,"];
        var reader = new RecordReader(new Pieces(Encoding.UTF8.GetBytes(string.Concat(records)), piece), Csv("id,ciphertext,aad,key\n"), line: 1);
        var lines = new List<long>();
        foreach (var record in records)
        {
            lines.Add(reader.Line);
            Assert.Equal(record, Encoding.UTF8.GetString(reader.Read()!));
        }

        Assert.Equal([1, 2, 5, 6, 7], lines);
        Assert.Null(reader.Read());
        Assert.Null(reader.Read());
    }

    [Fact]
    public void RecordTooLong_IsRefused_AndTheFileIsNotReadWhole()
    {
        var reader = new RecordReader(new Pieces([.. "{}\n"u8, .. new byte[RecordFormat.MaxRecord * 3]], 1 << 20), new JsonLinesFormat(_names), line: 1);
        Assert.Equal("{}\n"u8, reader.Read()!);
        Assert.Contains("line 2", Assert.Throws<VerbException>(reader.Read).Message, StringComparison.Ordinal);
    }

    private static CsvFormat Csv(string header)
    {
        var format = new CsvFormat(_names);
        format.ReadHeader(Encoding.UTF8.GetBytes(header));
        return format;
    }

    private sealed class Pieces(byte[] content, int piece) : MemoryStream(content)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, piece));
    }
}
