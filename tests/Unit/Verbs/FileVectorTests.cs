using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using OrleansKms.Silo.Verbs.Files;
using OrleansKms.Tests.Unit.Contracts;
using OrleansKms.Tests.Unit.Cryptography;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>The format of files against its page, and against another reader and writer of it.</summary>
public sealed partial class FileVectorTests
{
    private static readonly int[] _lengths = [0, 1, 5, 65535, 65536, 65537, 131071, 131072, 131073, 200_000];

    [Fact]
    public void FirstVector_IsThatOfThePage()
    {
        var file = FileVectors.Make(FileCipher.Aes256Gcm, "db=orders", "hello"u8.ToArray(), FileVectors.Backups);
        Assert.Equal(
            FileVectors.HeaderInHex + "e0051cf0b76f389b9a5377925751f2dfb650674e97564ed67a13e276bd9b4e04" + "205e04563abe21af6b1ce639b7b5f8e2973d1a006c",
            Convert.ToHexStringLower(file));
        Assert.Equal("hello"u8, FileVectors.Open(file));
    }

    [Theory]
    [InlineData(1, "", "", false, "eac3520304dc247247531c23a867d388cd5f1725f2b3ab8270273be3ce08fcfe", "edbd66d4aafb833a4b9540379cc12240")]
    [InlineData(
        4, "db=orders", "hello", true, "6a39a1691b1854c95bd11abcac965e941e5a024ea9605b7f1187d307010a2762", "098490e1fb8594c96a5dda410b964c9e77574e8d19")]
    public void ShortVectors_AreThoseOfThePage(byte cipher, string associatedData, string content, bool isForTwo, string mac, string chunk)
    {
        byte[][] wrapped = isForTwo ? [FileVectors.Backups, FileVectors.Escrow] : [FileVectors.Backups];
        var file = FileVectors.Make(FileCipher.Of(cipher)!, associatedData, Encoding.ASCII.GetBytes(content), wrapped);
        Assert.EndsWith(mac + chunk, Convert.ToHexStringLower(file), StringComparison.Ordinal);
        var page = File.ReadAllText(Path.Combine(DocumentsTests.Root, "silo", "Verbs", "Files", "FORMAT.md"));
        Assert.Contains(mac, page, StringComparison.Ordinal);
        Assert.Contains(chunk, page, StringComparison.Ordinal);
    }

    [Fact]
    public void LongVectors_AreThoseOfThePage()
    {
        var rows = Row().Matches(File.ReadAllText(Path.Combine(DocumentsTests.Root, "silo", "Verbs", "Files", "FORMAT.md")));
        Assert.Equal(6, rows.Count);
        Assert.All(rows, row =>
        {
            var content = FileVectors.Content(int.Parse(row.Groups["length"].Value.Replace(",", "", StringComparison.Ordinal), null));
            foreach (var cipher in FileCipher.All)
            {
                var file = FileVectors.Make(cipher, "db=orders", content, FileVectors.Backups, FileVectors.Escrow);
                Assert.Equal(row.Groups[cipher == FileCipher.Aes256Gcm ? "gcm" : "chacha"].Value, Convert.ToHexStringLower(SHA256.HashData(file)));
                Assert.Equal(content, FileVectors.Open(file));
            }
        });
    }

    [Fact]
    public async Task AnotherReader_OpensOurs_AndRefusesChangedOnes()
    {
        var files = FileCipher.All
            .SelectMany(cipher => _lengths.Select(length =>
                FileVectors.Make(cipher, "db=orders", FileVectors.Content(length), FileVectors.Backups, FileVectors.Escrow)))
            .ToList();
        var changed = files.Select(file => (byte[])[.. file[..^1], (byte)(file[^1] ^ 1)]);
        var answer = (await NodeScript.Run("file.mjs", new { key = FileVectors.Key, files = files.Concat(changed) })).EnumerateArray().ToList();
        Assert.All(files.Zip(answer), pair =>
        {
            Assert.Equal(FileVectors.Open(pair.First), pair.Second.GetProperty("content").GetBytesFromBase64());
            Assert.Equal("db=orders"u8, pair.Second.GetProperty("associatedData").GetBytesFromBase64());
            Assert.Equal(
                ["backups 7", "escrow 3"],
                pair.Second.GetProperty("keys").EnumerateArray().Select(key => $"{key.GetProperty("id")} {key.GetProperty("version")}"));
        });
        Assert.All(answer.Skip(files.Count), opened => Assert.Equal(System.Text.Json.JsonValueKind.Null, opened.ValueKind));
    }

    [Fact]
    public async Task AnotherWriter_MakesTheSame()
    {
        var cases = FileCipher.All.SelectMany(cipher => _lengths.Select(length => (cipher, content: FileVectors.Content(length)))).ToList();
        var made = await NodeScript.Run("file.mjs", new
        {
            key = FileVectors.Key,
            make = cases.Select(c => new
            {
                cipher = c.cipher.Id,
                associatedData = "db=orders"u8.ToArray(),
                salt = FileVectors.Salt,
                wrapped = new[] { FileVectors.Backups },
                c.content,
            }),
        });
        Assert.Equal(
            cases.Select(c => Convert.ToBase64String(FileVectors.Make(c.cipher, "db=orders", c.content, FileVectors.Backups))),
            made.EnumerateArray().Select(file => file.GetString()));
    }

    [GeneratedRegex(@"^\| (?<length>[\d,]+) \| `(?<gcm>[0-9a-f]{64})` \| `(?<chacha>[0-9a-f]{64})` \|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();
}
