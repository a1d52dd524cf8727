using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.WebConsole;

/// <summary>
/// The console's files, which are in the program itself. They are read and compressed when somebody first opens the console, which
/// takes a tenth of a second. All but the page have an address with the hash of them all in it, so that browsers keep them and never mix two releases.
/// </summary>
internal sealed class ConsoleFiles
{
    private const string ResourcePrefix = "console/";
    private const string Page = "index.html";
    private const string AddressOfFiles = "{files}";
    private const string Facts = "facts.js";
    private const int TagLength = 16;

    private readonly Lazy<Content> _content = new(Read);

    /// <summary>What was read.</summary>
    private sealed record Content(string Tag, ConsoleFile Page, FrozenDictionary<string, ConsoleFile> Files);

    /// <summary>Finds the page.</summary>
    public ConsoleFile FindPage() => _content.Value.Page;

    /// <summary>Finds another file; null if there is none.</summary>
    /// <param name="tag">The hash in the address.</param>
    /// <param name="name">Its name.</param>
    public ConsoleFile? Find(string tag, string name) => tag == _content.Value.Tag ? _content.Value.Files.GetValueOrDefault(name) : null;

    private static Content Read()
    {
        var assembly = typeof(ConsoleFiles).Assembly;
        var read = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .ToDictionary(name => name[ResourcePrefix.Length..].Replace('\\', '/'), name => Bytes(assembly, name), StringComparer.Ordinal);
        read.Add(Facts, FactsOfTheContract());
        read.Remove(Page, out var page);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, bytes) in read.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
            hash.AppendData(SHA256.HashData(bytes));
        }

        var tag = Convert.ToHexStringLower(hash.GetHashAndReset())[..TagLength];
        var text = Encoding.UTF8.GetString(page!).Replace(AddressOfFiles, ConsoleRoutes.Files + tag, StringComparison.Ordinal);
        return new(
            tag,
            new(Page, Encoding.UTF8.GetBytes(text)),
            read.ToFrozenDictionary(file => file.Key, file => new ConsoleFile(file.Key, file.Value), StringComparer.Ordinal));
    }

    private static byte[] Bytes(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A module with the tables that forms choose from, so that no page has a second list of them.</summary>
    private static byte[] FactsOfTheContract()
    {
        var specs = KeySpec.All.Select(spec => new SpecFact(spec.Name, [.. spec.Usages.Select(WireNames<KeyUsage>.Of)])).ToArray();
        var actions = KmsOperation.All.Keys.Order(StringComparer.Ordinal).ToArray();
        return Encoding.UTF8.GetBytes(
            $"export const specs = {JsonSerializer.Serialize(specs, ConsoleJson.Default.SpecFactArray)};\n"
            + $"export const actions = {JsonSerializer.Serialize(actions, ConsoleJson.Default.StringArray)};\n");
    }
}
