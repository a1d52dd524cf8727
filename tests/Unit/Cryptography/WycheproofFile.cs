using System.IO.Compression;
using System.Text.Json;
using OrleansKms.Tests.Unit.Contracts;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// One file of Wycheproof's vectors, from this folder or from the directory <c>OKMS_WYCHEPROOF</c>.
/// </summary>
internal sealed class WycheproofFile : IDisposable
{
    /// <summary>The environment variable that names a directory with more of the files.</summary>
    internal const string DirectoryVariable = "OKMS_WYCHEPROOF";

    private readonly JsonDocument _document;

    internal WycheproofFile(string name)
    {
        var folder = Environment.GetEnvironmentVariable(DirectoryVariable)
            ?? Path.Combine(DocumentsTests.Root, "tests", "Unit", "Cryptography", "Wycheproof");
        _document = JsonDocument.Parse(Read(Path.Combine(folder, name)));
    }

    // The larger ones are shipped compressed.
    private static byte[] Read(string path)
    {
        if (File.Exists(path)) return File.ReadAllBytes(path);
        using var packed = new GZipStream(File.OpenRead(path + ".gz"), CompressionMode.Decompress);
        using var whole = new MemoryStream();
        packed.CopyTo(whole);
        return whole.ToArray();
    }

    /// <summary>Every case, with its group; fails at the end if they are not as many as the file says.</summary>
    internal IEnumerable<WycheproofCase> Cases()
    {
        var count = 0;
        foreach (var group in _document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                count++;
                yield return new(group, test);
            }
        }

        Assert.Equal(_document.RootElement.GetProperty("numberOfTests").GetInt32(), count);
    }

    public void Dispose() => _document.Dispose();
}

/// <summary>One case.</summary>
/// <param name="Group">What it has in common with others.</param>
/// <param name="Test">The case itself.</param>
internal readonly record struct WycheproofCase(JsonElement Group, JsonElement Test)
{
    /// <summary>Whether it must be accepted; null for one that may be either.</summary>
    internal bool? IsValid => Test.GetProperty("result").GetString() switch
    {
        "valid" => true,
        "invalid" => false,
        _ => null,
    };

    internal string Comment => Test.TryGetProperty("comment", out var comment) ? comment.GetString()! : "";

    internal bool Has(string flag) => Test.GetProperty("flags").EnumerateArray().Any(f => f.GetString() == flag);

    internal byte[] Bytes(string name) => Convert.FromHexString(Test.GetProperty(name).GetString()!);

    /// <summary>Shown when it fails.</summary>
    public override string ToString() => $"case {Test.GetProperty("tcId")}, {Test.GetProperty("result")}: {Comment}";
}
