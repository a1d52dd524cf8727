using System.IO.Compression;
using System.Text.Json;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>
/// One set of NIST's ACVP vectors from the directory <c>OKMS_ACVP</c>: <c>prompt.json</c> and <c>expectedResults.json</c>, or
/// <c>internalProjection.json</c>, which has both. Each may be compressed (<c>.gz</c>).
/// </summary>
internal sealed class AcvpFile : IDisposable
{
    /// <summary>The environment variable that names the directory.</summary>
    internal const string DirectoryVariable = "OKMS_ACVP";

    private readonly JsonDocument _prompt;
    private readonly JsonDocument? _expected;

    internal AcvpFile(string folder)
    {
        if (Find(folder, "prompt") is { } prompt && Find(folder, "expectedResults") is { } expected)
        {
            (_prompt, _expected) = (Read(prompt), Read(expected));
        }
        else
        {
            _prompt = Read(Find(folder, "internalProjection")!);
        }
    }

    /// <summary>Whether the directory has such vectors.</summary>
    internal static bool IsThere(string folder) =>
        (Find(folder, "prompt") is not null && Find(folder, "expectedResults") is not null) || Find(folder, "internalProjection") is not null;

    /// <summary>Every case, with its group and what must come of it; fails at the end if an answer has no question.</summary>
    internal IEnumerable<AcvpCase> Cases()
    {
        var answers = _expected is null ? null : Groups(_expected).SelectMany(group => Tests(group)).ToDictionary(Number);
        foreach (var group in Groups(_prompt))
        {
            foreach (var test in Tests(group))
            {
                var answer = test;
                Assert.True(answers is null || answers.Remove(Number(test), out answer), $"case {Number(test)} has no answer");
                yield return new(group, test, answer);
            }
        }

        Assert.True(answers is null or { Count: 0 }, $"{answers?.Count} answers without a question");
    }

    public void Dispose()
    {
        _prompt.Dispose();
        _expected?.Dispose();
    }

    // As a server sends it, it is an array whose first element is the version of the protocol.
    private static JsonElement.ArrayEnumerator Groups(JsonDocument document)
    {
        var root = document.RootElement;
        return (root.ValueKind == JsonValueKind.Array ? root[root.GetArrayLength() - 1] : root).GetProperty("testGroups").EnumerateArray();
    }

    private static JsonElement.ArrayEnumerator Tests(JsonElement group) => group.GetProperty("tests").EnumerateArray();

    private static int Number(JsonElement test) => test.GetProperty("tcId").GetInt32();

    private static string? Find(string folder, string name)
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is not { Length: > 0 } directory) return null;
        var path = Path.Combine(directory, folder, name + ".json");
        return File.Exists(path) ? path : File.Exists(path + ".gz") ? path + ".gz" : null;
    }

    private static JsonDocument Read(string path)
    {
        using var file = File.OpenRead(path);
        if (!path.EndsWith(".gz", StringComparison.Ordinal)) return JsonDocument.Parse(file);
        using var packed = new GZipStream(file, CompressionMode.Decompress);
        return JsonDocument.Parse(packed);
    }
}

/// <summary>One case.</summary>
/// <param name="Group">What it has in common with others.</param>
/// <param name="Test">What is given.</param>
/// <param name="Expected">What must come of it.</param>
internal readonly record struct AcvpCase(JsonElement Group, JsonElement Test, JsonElement Expected)
{
    /// <summary>Whether what is given must be accepted.</summary>
    internal bool IsValid => Expected.GetProperty("testPassed").GetBoolean();

    /// <summary>Whether the group says this.</summary>
    internal bool Is(string name, string value) => Group.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.String && found.GetString() == value;

    /// <summary>A text of the group; empty if there is none.</summary>
    internal string Text(string name) => Group.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.String ? found.GetString()! : "";

    internal bool Has(string name) => Test.TryGetProperty(name, out _);

    /// <summary>Bytes of the case, or of its group.</summary>
    internal byte[] Bytes(string name) => Bytes(Test.TryGetProperty(name, out var found) ? found : Group.GetProperty(name));

    internal byte[] Answer(string name) => Bytes(Expected.GetProperty(name));

    /// <summary>Shown when it fails.</summary>
    public override string ToString() => $"case {Test.GetProperty("tcId")}{(Expected.TryGetProperty("reason", out var reason) ? $": {reason}" : "")}";

    // Numbers may lack their first zero.
    private static byte[] Bytes(JsonElement value)
    {
        var digits = value.GetString()!;
        return Convert.FromHexString(digits.Length % 2 == 0 ? digits : "0" + digits);
    }
}
