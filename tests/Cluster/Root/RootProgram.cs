using System.Globalization;
using Microsoft.Data.Sqlite;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Hsms;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Roots;

/// <summary>An all-in-one service in a directory of its own, its command root, tokens, and what they have stored.</summary>
internal sealed class RootProgram : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    /// <summary>The token, and those that a test adds.</summary>
    public SoftHsm Hsm { get; } = new();

    /// <summary>The file of the file root.</summary>
    public string RootKey => _directory.Of("okms-data/root.key");

    /// <summary>A file in the directory that no silo uses by itself.</summary>
    public string Of(string name) => _directory.Of(name);

    /// <summary>Starts the service.</summary>
    public Task<ServiceProcess> Start(params (string, string?)[] environment) => ServiceProcess.Start(_directory.Path, environment);

    /// <summary>Starts the service, makes a key and encrypts with it, and stops.</summary>
    public async Task<byte[]> Serve(string key, params (string, string?)[] environment)
    {
        await using var service = await Start(environment);
        await service.Http.Create(key);
        var (_, ciphertext) = await service.Http.Encrypt(key, [1, 2, 3]);
        Assert.Equal(0, await service.Stop());
        return ciphertext;
    }

    /// <summary>Starts the service and decrypts what was encrypted before.</summary>
    public async Task Decrypts(string key, byte[] ciphertext, params (string, string?)[] environment)
    {
        await using var service = await Start(environment);
        Assert.Equal([1, 2, 3], Assert.Single(await service.Http.DecryptAll(key, [ciphertext])).Plaintext);
        Assert.Equal(0, await service.Stop());
    }

    /// <summary>A start that is refused, and the line that says why.</summary>
    public async Task<string> StartRefused(params (string, string?)[] environment)
    {
        await using var service = ServiceProcess.Launch(_directory.Path, port: null, environment);
        Assert.Equal(StartGuard.Refused, await service.Exited());
        return Assert.Single(service.Errors);
    }

    /// <summary>Makes a new KEK the current one, and waits until it is.</summary>
    public static async Task RotateKek(HttpClient http)
    {
        await UntilCurrent(http, (await http.Post("/v1/admin/keks/rotate"))["id"]!.GetValue<string>());
    }

    /// <summary>Waits until a KEK is the current one.</summary>
    public static async Task UntilCurrent(HttpClient http, string made)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!(await http.Keks()).Any(k => k.Id == made && k.State == "current"))
        {
            await Task.Delay(100, patience.Token);
        }
    }

    /// <summary>The command root, done.</summary>
    public async Task<string> Root((string, string?)[] environment, params string[] words)
    {
        var (code, output, errors) = await ServiceProcess.Command(_directory.Path, ["root", .. words], environment);
        Assert.True(code == 0, errors);
        Assert.DoesNotContain(SoftHsm.Pin, output + errors, StringComparison.Ordinal);
        return output;
    }

    /// <summary>The command root, refused: nothing on standard output, and the one line that says why.</summary>
    public async Task<string> Refused((string, string?)[] environment, params string[] words)
    {
        var (code, output, errors) = await ServiceProcess.Command(_directory.Path, ["root", .. words], environment);
        Assert.True(code == StartGuard.Refused, $"{code}\n{output}\n{errors}");
        Assert.Equal("", output);
        Assert.DoesNotContain(SoftHsm.Pin, errors, StringComparison.Ordinal);
        return Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => l.StartsWith("okms: ", StringComparison.Ordinal));
    }

    /// <summary>The roots, from okms root list: id, KEKs, state, and whether the settings lead to it.</summary>
    public async Task<List<(string Id, string Keks, string State, string Opens)>> List(params (string, string?)[] environment) =>
        [.. (await Root(environment, "list")).Split('\n').Skip(1).Where(l => l.StartsWith("file:", StringComparison.Ordinal) || l.StartsWith("hsm:", StringComparison.Ordinal))
            .Select(l => l.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Select(c => (c[0], c[1], c[2], c[4]))];

    /// <summary>Everything that a change of root writes: the tables, the objects of the tokens, and the directory's files.</summary>
    public async Task<string> Everything()
    {
        List<string> all = [.. Hsm.KeyFiles.Order(StringComparer.Ordinal), .. Directory.GetFiles(_directory.Path, "*.key*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        foreach (var table in (string[])["okms_root", "okms_kek", "okms_kek_manifest", "okms_kek_wrap", "okms_silo", "okms_migration"])
        {
            all.AddRange(await Rows($"SELECT * FROM {table} ORDER BY 1, 2"));
        }

        return string.Join('\n', all);
    }

    /// <summary>Rows of the database, while no service has it.</summary>
    public async Task<List<string>> Rows(string text)
    {
        await using var connection = new SqliteConnection($"Data Source={_directory.Of("okms-data/kms.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A constant of the tests.
        command.CommandText = text;
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.GetValue(i) is byte[] bytes
                ? Convert.ToHexString(bytes) : Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture))));
        }

        return rows;
    }

    /// <summary>A copy of the database, as a backup.</summary>
    public byte[] BackUp() => File.ReadAllBytes(_directory.Of("okms-data/kms.db"));

    /// <summary>Puts a backup in the database's place.</summary>
    public void Restore(byte[] backup)
    {
        foreach (var file in Directory.GetFiles(_directory.Of("okms-data"), "kms.db*")) File.Delete(file);
        File.WriteAllBytes(_directory.Of("okms-data/kms.db"), backup);
    }

    public void Dispose()
    {
        Hsm.Dispose();
        _directory.Dispose();
    }
}
