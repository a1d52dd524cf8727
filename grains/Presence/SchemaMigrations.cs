using System.Globalization;
using DbUp.Engine;
using DbUp.Engine.Output;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>
/// Brings the schema up to this program: numbered scripts, each applied once, in a transaction of its own. A newer database is
/// used as it is, unless it says that this program is too old for it.
/// </summary>
internal sealed partial class SchemaMigrations(Database database, FeatureLevels levels, ILogger<SchemaMigrations> logger)
{
    /// <summary>
    /// What the least program version of a schema is compared with; rises when a migration breaks older programs.
    /// </summary>
    /// <remarks>
    /// Version 2 knows versions of keys that are to be destroyed, and renews the manifest of the KEKs with each change of them. Version 3
    /// keeps a key's history, policy, limits and approval rule. Version 4 keeps the public keys of versions. Version 5 knows what
    /// feature level 6 brings.
    /// </remarks>
    public const int ProgramVersion = FeatureLevels.Newest >= 6 ? 5 : 1;

    /// <summary>The migrations of a database, for a command, which has no silo's services.</summary>
    public static SchemaMigrations Of(Database database, ILoggerFactory loggers) =>
        new(database, new FeatureLevels(database, new SiloRegistry(database)), loggers.CreateLogger<SchemaMigrations>());

    /// <summary>Applies missing migrations. The caller holds the schema's lock.</summary>
    /// <exception cref="StartRefusedException">A migration failed, or this program is too old for the schema or the cluster.</exception>
    public async Task Apply(CancellationToken cancellationToken)
    {
        var engine = Engine();

        // DbUp blocks.
        var missing = await Task.Run(engine.GetScriptsToExecute, cancellationToken);
        if (missing.Count > 0 && !await database.MayMigrate(cancellationToken))
        {
            throw new StartRefusedException(
                $"The database lacks the migration {missing[0].Name}, which the role of this process may not apply. "
                + "Run okms migrate with the role that owns the schema.");
        }

        var result = await Task.Run(engine.PerformUpgrade, cancellationToken);
        if (!result.Successful)
        {
            throw new StartRefusedException(
                $"The database migration {result.ErrorScript?.Name} failed: {database.Explain(result.Error)}", result.Error);
        }

        foreach (var script in result.Scripts)
        {
            MigrationApplied(script.Name);
        }

        if (missing.Count > 0)
        {
            await new SystemEvents(database).Add(
                "migration", string.Join(", ", missing.Select(script => script.Name)), DateTime.UtcNow, cancellationToken);
        }

        await RequireProgramVersion(cancellationToken);
        await levels.Open(cancellationToken);
    }

    /// <summary>Refuses a schema that this program would have to migrate first; changes nothing.</summary>
    /// <exception cref="StartRefusedException">A migration is missing, or this program is too old for the schema or the cluster.</exception>
    public async Task RequireApplied(CancellationToken cancellationToken)
    {
        var missing = await Task.Run(Engine().GetScriptsToExecute, cancellationToken);
        if (missing.Count > 0)
        {
            throw new StartRefusedException(
                $"The database lacks the migration {missing[0].Name}. Start a silo of this version first, or run okms migrate.");
        }

        await RequireProgramVersion(cancellationToken);
        await levels.Open(cancellationToken);
    }

    private UpgradeEngine Engine() => database.Migrations
        .WithScripts(Scripts())
        .WithVariablesDisabled()
        .WithTransactionPerScript()
        .LogTo(new NoUpgradeLog())
        .Build();

    private IEnumerable<SqlScript> Scripts()
    {
        var assembly = typeof(SchemaMigrations).Assembly;
        var prefix = $"sql/{database.MigrationFolder}/";
        foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            yield return new SqlScript(resource[prefix.Length..], reader.ReadToEnd());
        }
    }

    private async Task RequireProgramVersion(CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT least_program_version FROM okms_schema WHERE id = 1");
        var least = Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
        if (least > ProgramVersion)
        {
            throw new StartRefusedException(
                $"The database has been migrated for a newer OrleansKms (schema for program version {least}, this is {ProgramVersion}).");
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Database migration {Migration} applied")]
    private partial void MigrationApplied(string migration);

    // Everything that matters is logged above, once, when it is known.
    private sealed class NoUpgradeLog : IUpgradeLog
    {
        public void LogTrace(string format, params object[] args) { }
        public void LogDebug(string format, params object[] args) { }
        public void LogInformation(string format, params object[] args) { }
        public void LogWarning(string format, params object[] args) { }
        public void LogError(string format, params object[] args) { }
        public void LogError(Exception ex, string format, params object[] args) { }
    }
}
