using System.CommandLine;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>Backups of a key, sealed for the installation that made them.</summary>
internal static class BackupVerbs
{
    /// <summary>The verb <c>keys backup</c>.</summary>
    public static Command Backup(VerbContext context)
    {
        var (key, output) = (Verb.Key(), BytesOutput.Base64(context));
        return Verb.Of(context, "backup", "Makes a backup of a key, sealed for this installation.", [key, .. output.Options], run =>
            run.Answer(ServiceCall.Get(ServiceCall.Of($"v1/keys/{run.Require(key)}/backup")), json => output.Write(run, json.Bytes("backup"))));
    }

    /// <summary>The verb <c>keys restore</c>.</summary>
    public static Command Restore(VerbContext context)
    {
        var backup = new Argument<string?>("BACKUP") { Arity = ArgumentArity.ZeroOrOne, Description = $"The backup: {VerbInput.BinaryForms}." };
        return Verb.Of(context, "restore", "Restores a key from its backup, under its own id.", [backup], async run =>
        {
            var (bytes, _) = await VerbInput.Made(run.Context, run.Get(backup), "backup", found => BackupHeader.TryRead(found, out _), 2 * KmsLimits.BackupBytes);
            return await run.Answer(ServiceCall.Change("v1/restore", new JsonObject { ["backup"] = Convert.ToBase64String(bytes) }), key =>
                $"restored {key.Text("id")}: what came back decrypts and verifies, and version {key.Text("primary_version")} is primary");
        });
    }
}
