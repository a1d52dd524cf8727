using System.CommandLine;
using System.Globalization;
using System.Text;
using OrleansKms.Configuration;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Verbs;

namespace OrleansKms.Silo.Commands;

/// <summary>Verifies the audit trail and proves its records. This needs no running silo, and can run beside one.</summary>
internal static class AuditCommands
{
    private const string KeyDescription = "The key that verifies the log, as name+id+key. Without it, the log's own log.vkey is trusted, which anyone who can write to the log can replace.";

    /// <summary>The command.</summary>
    public static Command Command() => new("audit", "Verifies the audit trail and proves its records.") { Verify(), Prove(), Check() };

    private static Command Verify()
    {
        var log = LogOption();
        var key = new Option<string?>("--key") { Description = KeyDescription };
        var checkpoint = Verb.Texts("--checkpoint", "FILE", "A file with a signed checkpoint that was stored elsewhere.");
        var database = new Option<bool>("--database") { Description = "Takes keys and checkpoints from the database, out of reach of a silo's disk, and lists keys whose rows are behind the trail." };
        var command = new Command("verify", "Verifies every record of the logs. Exit code 1: records were changed, removed, inserted, reordered, cut off or rewritten.")
        {
            log, key, checkpoint, database,
        };
        command.SetAction((call, cancellation) => Verify(
            call.GetValue(log), call.GetValue(key), call.GetValue(checkpoint) ?? [], call.GetValue(database), cancellation));
        return command;
    }

    private static Command Prove()
    {
        var log = LogOption();
        var record = new Option<long>("--record") { Description = "The record's sequence number.", Required = true };
        var command = new Command("prove", "Writes a proof (c2sp.org/tlog-proof) that a log contains a record. It reveals no other record.") { log, record };
        command.SetAction((call, _) => Prove(call.GetValue(log), call.GetValue(record)));
        return command;
    }

    private static Command Check()
    {
        var proof = new Argument<string>("PROOF") { Description = "A file written by okms audit prove." };
        var key = new Option<string>("--key") { Description = "The key that verifies the log, as name+id+key.", Required = true };
        var command = new Command("check", "Checks a proof and prints its record. Exit code 1: the proof is invalid.") { proof, key };
        command.SetAction((call, _) => Check(call.GetRequiredValue(proof), call.GetRequiredValue(key)));
        return command;
    }

    private static Option<string?> LogOption() =>
        new("--log") { Description = $"A log's folder. Without it: all logs, or the newest, of {SettingTable.AuditDirectory}." };

    private static async Task<int> Verify(string? log, string? key, string[] checkpoints, bool database, CancellationToken cancellationToken)
    {
        using var host = database ? StorageHost.Build(mayBeEmbedded: true) : null;
        var anchors = host is null ? [] : await ReadAnchors(host.Services, cancellationToken);
        var folders = Folders(log);
        var given = key is null ? null : KeyOf(key);
        var kept = checkpoints.Select(ReadCheckpoint).ToList();
        var (fault, used) = (false, 0);
        foreach (var folder in folders)
        {
            var anchor = anchors.Find(a => a.Id == folder.Id);
            var verifier = given ?? (anchor is null ? OwnKey(folder) : KeyOf(anchor.Key));
            var of = kept.Where(note => Checkpoint.Parse(note.Text)?.Origin == verifier.Name).ToList();
            used += of.Count;
            if (anchor is not null) of.Add(SignedNote.Parse(Encoding.UTF8.GetBytes(anchor.Checkpoint))!);
            var report = new TrailVerifier(folder, verifier).Verify(of);
            fault |= report.Fault != TrailFault.None;
            var unanchored = database && anchor is null ? " The database does not know this log." : "";
            await Console.Out.WriteLineAsync($"{folder.Id}: {Word(report.Fault)}: {report.Detail}{unanchored}");
        }

        foreach (var missing in log is null ? anchors.Where(anchor => !folders.Exists(folder => folder.Id == anchor.Id)) : [])
        {
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{missing.Id}: elsewhere: {missing.Size} records, written by {missing.Silo}."));
        }

        if (host is not null)
        {
            fault |= await PrintRowsBehind(folders, host.Services, cancellationToken);
        }

        return used == kept.Count
            ? fault ? 1 : 0
            : throw new UsageException("A given checkpoint belongs to none of these logs.");
    }

    private static async Task<int> Prove(string? log, long record)
    {
        var folder = Folders(log)[^1];
        var note = folder.ReadHead() ?? throw new StartRefusedException($"The log {folder.Path} has no checkpoint.");
        var head = Checkpoint.Parse(note.Text) ?? throw new StartRefusedException($"The checkpoint of {folder.Path} is malformed.");
        if (record < 0 || record >= head.Size)
        {
            throw new StartRefusedException(string.Create(CultureInfo.InvariantCulture, $"The checkpoint of {folder.Path} has the records 0 to {head.Size - 1}."));
        }

        try
        {
            var entry = RecordReader.Find(folder, record);
            var path = MerkleTree.InclusionProof(TiledTree.Load(folder, head.Size), record, head.Size);
            var proof = new LogProof(record, entry, path, note);
            if (!proof.Verifies(OwnKey(folder))) throw new InvalidDataException("Record, tiles and checkpoint do not match: run okms audit verify.");
            await using var output = Console.OpenStandardOutput();
            await output.WriteAsync(proof.ToBytes());
            return 0;
        }
        catch (InvalidDataException e)
        {
            throw new StartRefusedException(e.Message, e);
        }
    }

    private static async Task<int> Check(string file, string key)
    {
        var verifier = KeyOf(key);
        if (LogProof.Parse(Read(file)) is not { } proof || !proof.Verifies(verifier))
        {
            await Console.Error.WriteLineAsync($"{file} does not prove that {verifier.Name} contains its record.");
            return 1;
        }

        await Console.Out.WriteLineAsync(Encoding.UTF8.GetString(proof.Entry));
        return 0;
    }

    private static List<TrailFolder> Folders(string? log)
    {
        if (log is not null)
        {
            return Directory.Exists(log) ? [new(Path.GetFullPath(log))] : throw new StartRefusedException($"There is no folder {log}.");
        }

        var directory = StorageHost.ReadSettings().Audit.Directory;
        var folders = TrailFolder.In(directory).ToList();
        return folders.Count > 0 ? folders : throw new StartRefusedException($"There is no log in {directory}. Name one with --log, or their directory with {SettingTable.AuditDirectory}.");
    }

    /// <summary>Lists the keys whose rows lack a change recorded in these logs.</summary>
    private static async Task<bool> PrintRowsBehind(List<TrailFolder> folders, IServiceProvider services, CancellationToken cancellationToken)
    {
        try
        {
            var behind = await RowsBehindTrail.Find(folders, services, cancellationToken);
            foreach (var line in behind) await Console.Out.WriteLineAsync($"key {line}");
            return behind.Count > 0;
        }
        catch (StartRefusedException e)
        {
            // The embedded database belongs to the service while it runs.
            await Console.Error.WriteLineAsync($"The keys' rows were not compared with the trail: {e.Message}");
            return false;
        }
    }

    private static async Task<List<AuditAnchor>> ReadAnchors(IServiceProvider services, CancellationToken cancellationToken)
    {
        try
        {
            return await services.GetRequiredService<AuditAnchors>().ReadAll(cancellationToken);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or DatabaseUnreachableException)
        {
            throw new StartRefusedException($"The database cannot be read: {(e.InnerException ?? e).Message}", e);
        }
    }

    private static NoteVerifier OwnKey(TrailFolder folder)
    {
        try
        {
            return folder.ReadKey() ?? throw new StartRefusedException($"The log {folder.Path} has no log.vkey. Name its key with --key.");
        }
        catch (FormatException e)
        {
            throw new StartRefusedException($"The log.vkey of {folder.Path} is not a key. Name its key with --key.", e);
        }
    }

    private static NoteVerifier KeyOf(string text)
    {
        try
        {
            return NoteVerifier.Parse(text);
        }
        catch (FormatException)
        {
            throw new UsageException($"{text} is not a verifier key (name+id+key).");
        }
    }

    private static SignedNote ReadCheckpoint(string file) =>
        SignedNote.Parse(Read(file)) is { } note && Checkpoint.Parse(note.Text) is not null
            ? note
            : throw new UsageException($"{file} is not a signed checkpoint.");

    private static byte[] Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private static string Word(TrailFault fault) => fault switch
    {
        TrailFault.None => "ok",
        TrailFault.CutOff => "cut-off",
        _ => fault.ToString().ToLowerInvariant(),
    };
}
