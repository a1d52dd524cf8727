using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Audit;

/// <summary>What changes the installation is in the audit trail, by whatever process it was done.</summary>
public sealed class SystemEventTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Data => _directory.Of("okms-data");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task KeksRootsEpochLevelAndSchema_AreEvents()
    {
        await using (var service = await Start())
        {
            var first = (await Keks(service)).Single()!["id"]!.GetValue<string>();
            await service.Http.Post("/v1/admin/keks/rotate");
            await ClusterWait.Until(async () => (await Keks(service))[0]!["state"]!.GetValue<string>() == "retired");
            await ClusterWait.Until(async () => await Record.ExceptionAsync(() => service.Http.Post($"/v1/admin/keks/{first}/destroy")) is null);
            Assert.Equal(0, await service.Stop());
        }

        await Command("raise-feature-level");
        await Command("restore-epoch");
        await Command("root", "rotate");
        await using (var service = await Start())
        {
            Assert.Equal(0, await service.Stop());
        }

        var records = Records();
        Assert.Equal(
            [
                "start", "migration", "kek-create", "kek-create", "kek-current", "kek-destroy", "stop",
                "start", "feature-level", "restore-epoch", "root-add", "root-switch", "stop",
            ],
            records.Select(record => (string)record["action"]!).Where(action => !action.Contains(':', StringComparison.Ordinal)));
        Assert.All(
            records.Where(record => (string)record["action"]! is "root-add" or "restore-epoch"),
            record => Assert.Equal(("okms", Environment.MachineName), ((string?)record["principal"], (string?)record["source"])));
        Assert.Equal(0L, await Sql("SELECT count(*) FROM okms_audit_event"));
    }

    private Task<ServiceProcess> Start() => ServiceProcess.Start(_directory.Path, ("OKMS_AUDIT", "blocking"));

    private async Task Command(params string[] arguments)
    {
        var (code, output, errors) = await ServiceProcess.Command(_directory.Path, arguments, ("OKMS_AUDIT", "blocking"));
        Assert.True(code == 0, output + errors);
    }

    private async Task<object?> Sql(string text)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(Data, "kms.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = text;
        return await command.ExecuteScalarAsync();
    }

    private static async Task<JsonArray> Keks(ServiceProcess service) =>
        JsonNode.Parse(await service.Http.GetStringAsync("/v1/admin/keks"))!["keks"]!.AsArray();

    private List<JsonNode> Records() =>
        [.. Directory.GetFiles(Path.Combine(Directory.GetDirectories(Path.Combine(Data, "audit")).Single(), "records")).SelectMany(File.ReadLines).Select(line => JsonNode.Parse(line)!)];
}
