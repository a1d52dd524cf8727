using System.Diagnostics;
using Npgsql;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The database's roles as deploy/sql/roles.sql makes them, on a real Postgres: what each can do, and cannot.</summary>
public sealed class RoleTests : IAsyncLifetime
{
    private const string Password = "for this test only";

    private static readonly string[] _readByGateways = ["okms_membership", "okms_membership_version", "orleansquery"];
    private static readonly string[] _readOnlyForSilos = ["okms_migration", "okms_schema", "orleansquery"];

    private readonly string _suffix = Guid.NewGuid().ToString("N");
    private string _database = null!;

    private string Owner => "owner_" + _suffix;

    private string Silo => "silo_" + _suffix;

    private string Gateway => "gateway_" + _suffix;

    public async Task InitializeAsync()
    {
        _database = await Postgres.NewDatabase();
        await MakeRoles();
        foreach (var role in (string[])[Owner, Silo, Gateway]) await Execute(_database, $"ALTER ROLE {role} PASSWORD '{Password}'");
    }

    public async Task DisposeAsync()
    {
        await Postgres.DropDatabase(_database);
        foreach (var role in (string[])[Owner, Silo, Gateway]) await Execute(Postgres.ConnectionString, $"DROP ROLE {role}");
    }

    [Fact]
    public async Task Gateway_ReadsMembershipAndQueries_AndNothingElse_AndWritesNothing()
    {
        await Migrated();
        foreach (var (table, column) in await Tables())
        {
            var mayRead = _readByGateways.Contains(table);
            Assert.Equal((table, mayRead), (table, await May(Gateway, $"SELECT 1 FROM {table} LIMIT 1")));
            Assert.Equal((table, mayRead), (table, await May(Gateway, $"COPY {table} TO STDOUT")));
            await AssertMayNotWrite(Gateway, table, column);
            Assert.False(await May(Gateway, $"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"));
        }
        await AssertMayMakeNothing(Gateway);
    }

    [Fact]
    public async Task Silo_ChangesNeitherQueriesNorSchema_AndMayReadEveryTable()
    {
        await Migrated();
        foreach (var (table, column) in await Tables())
        {
            // A new table must be decided about in roles.sql: this fails for one that was forgotten.
            Assert.Equal((table, true), (table, await May(Silo, $"SELECT 1 FROM {table} LIMIT 1")));
            if (_readOnlyForSilos.Contains(table)) await AssertMayNotWrite(Silo, table, column);
            Assert.False(await May(Silo, $"ALTER TABLE {table} ADD COLUMN own integer"));
            Assert.False(await May(Silo, $"DROP TABLE {table}"));
            Assert.False(await May(Silo, $"TRUNCATE {table}"));
        }
        await AssertMayMakeNothing(Silo);
    }

    [Fact]
    public async Task Silo_UnderItsRole_Works()
    {
        await Migrated();
        await using var cluster = ClusterProcesses.Empty(_database, ("DATABASE_URL", Url(Silo)));
        var (code, token, errors) = await cluster.Command("create-administrator");
        Assert.True(code == 0, errors);

        var silo = await cluster.StartSilo(("OKMS_GATEWAY", "true"));

        silo.SignIn(token.Trim());
        await ClusterProcesses.Until(() => silo.Http.Create("mine"));
        await silo.Http.Rotate("mine");
        var (_, ciphertext) = await silo.Http.Encrypt("mine", [1, 2, 3]);
        await silo.Http.Post("/v1/keys/mine/schedule-deletion");
        await silo.Http.Post("/v1/keys/mine/cancel-deletion");
        await silo.Http.Change("mine", "enable");
        Assert.Equal((byte[])[1, 2, 3], Assert.Single(await silo.Http.DecryptAll("mine", [ciphertext])).Plaintext);
        foreach (var words in (string[][])[["list"], ["verify"], ["rotate"]])
        {
            var (done, _, why) = await cluster.Command(["root", .. words]);
            Assert.True(done == 0, why);
        }
        Assert.Equal(0, await silo.Stop());
        Assert.Equal(0L, await cluster.Active());
    }

    [Fact]
    public async Task Silo_UnderItsRole_IsRefusedUntilTheOwnerHasMigrated()
    {
        await using var cluster = ClusterProcesses.Empty(_database, ("DATABASE_URL", Url(Silo)));
        var silo = cluster.LaunchSilo();
        Assert.Equal(StartGuard.Refused, await silo.Exited());
        Assert.Contains("migrate", Assert.Single(silo.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roles_AgainAndAfterAnotherHadMigrated_AreTheSame()
    {
        await using var cluster = ClusterProcesses.Empty(_database);
        Assert.Equal(0, (await cluster.Command("migrate")).Code);
        await MakeRoles();
        await MakeRoles();

        var foreign = await cluster.Scalar($"SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> '{Owner}'");

        Assert.Equal(0L, foreign);
        Assert.Equal((true, 0L), await Functions(cluster));
        Assert.True(await May(Silo, "SELECT 1 FROM okms_row"));
        // What the next migration does to what the last one made.
        Assert.True(await May(Owner, "CREATE OR REPLACE FUNCTION okms_row_note_transaction() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"));
        Assert.True(await May(Owner, "ALTER TABLE okms_row ADD COLUMN added integer"));
    }

    [Fact]
    public async Task RoleWithItsOwnSynchronousCommitOff_IsRefused()
    {
        await Migrated();
        await Execute(_database, $"ALTER ROLE {Silo} SET synchronous_commit = off");
        await using var cluster = ClusterProcesses.Empty(_database, ("DATABASE_URL", Url(Silo)));
        var silo = cluster.LaunchSilo();
        Assert.Equal(StartGuard.Refused, await silo.Exited());
        Assert.Contains("synchronous_commit", Assert.Single(silo.Errors), StringComparison.Ordinal);
    }

    private string Url(string role) => Postgres.Url(_database, role, Password);

    private async Task Migrated()
    {
        using var directory = new TemporaryDirectory();
        var (code, _, errors) = await ServiceProcess.Command(directory.Path, ["migrate"], ("DATABASE_URL", Url(Owner)));
        Assert.True(code == 0, errors);
        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
        await MakeRoles();
    }

    private async Task AssertMayNotWrite(string role, string table, string column)
    {
        Assert.Equal((table, false), (table, await May(role, $"INSERT INTO {table} DEFAULT VALUES")));
        Assert.Equal((table, false), (table, await May(role, $"UPDATE {table} SET {column} = NULL")));
        Assert.Equal((table, false), (table, await May(role, $"DELETE FROM {table}")));
        Assert.Equal((table, false), (table, await May(role, $"TRUNCATE {table}")));
    }

    private async Task AssertMayMakeNothing(string role)
    {
        Assert.False(await May(role, "CREATE TABLE own (id integer)"));
        Assert.False(await May(role, "CREATE TEMPORARY TABLE own (id integer)"));
        Assert.False(await May(role, "CREATE SCHEMA own"));
        Assert.False(await May(role, "CREATE FUNCTION own() RETURNS integer LANGUAGE sql AS 'SELECT 1'"));
        Assert.False(await May(role, $"SET ROLE {Owner}"));
    }

    /// <summary>Whether Postgres lets a role do it; what it lets is taken back.</summary>
    private async Task<bool> May(string role, string text)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_database) { Username = role, Password = Password, Pooling = false });
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        try
        {
            if (text.StartsWith("COPY", StringComparison.Ordinal))
            {
                using var reader = await connection.BeginTextExportAsync(text);
                await reader.ReadToEndAsync();
                return true;
            }
            await using var command = new NpgsqlCommand(text, connection, transaction);
            await command.ExecuteNonQueryAsync();
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return false;
        }
    }

    private async Task<List<(string Table, string Column)>> Tables()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1
            """);
        await using var reader = await command.ExecuteReaderAsync();
        var tables = new List<(string, string)>();
        while (await reader.ReadAsync()) tables.Add((reader.GetString(0), reader.GetString(1)));
        Assert.Contains(tables, t => t.Item1 == "okms_row");
        return tables;
    }

    /// <summary>Whether the schema has functions, and how many are not the owner's.</summary>
    private async Task<(bool Any, long Foreign)> Functions(ClusterProcesses cluster)
    {
        const string Ours = "FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'okms%'";
        var all = (long)(await cluster.Scalar($"SELECT count(*) {Ours}"))!;
        var foreign = (long)(await cluster.Scalar($"SELECT count(*) {Ours} AND pg_get_userbyid(proowner) <> '{Owner}'"))!;
        return (all > 0, foreign);
    }

    private static async Task Execute(string connectionString, string text)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(text);
        await command.ExecuteNonQueryAsync();
    }

    private async Task MakeRoles()
    {
        var to = new NpgsqlConnectionStringBuilder(_database);
        var info = new ProcessStartInfo("psql", [
            "-X", "-q", "-h", to.Host!, "-p", to.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "-U", to.Username!,
            "-d", to.Database!, "-v", $"owner={Owner}", "-v", $"silo={Silo}", "-v", $"gateway={Gateway}",
            "-f", Path.Combine(Repository.Root, "deploy", "sql", "roles.sql")])
        {
            RedirectStandardError = true,
        };
        info.Environment["PGPASSWORD"] = to.Password;
        using var psql = Process.Start(info)!;
        var errors = await psql.StandardError.ReadToEndAsync();
        await psql.WaitForExitAsync();
        Assert.True(psql.ExitCode == 0, errors);
    }
}
