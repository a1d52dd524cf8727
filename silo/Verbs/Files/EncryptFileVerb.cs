using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// <c>encrypt-file</c>: encrypts a file of any length on this machine, under a file key that the keys of its recipients encrypt in the
/// service. The content does not leave the machine.
/// </summary>
internal static class EncryptFileVerb
{
    /// <summary>The verb.</summary>
    public static Command Command(VerbContext context)
    {
        var options = new FileVerbOptions(
            "The file", "Associated data, which the file shows to everyone and decrypt-file can insist on", "The encrypted file", $"the file's name and {FileEnds.Extension}");
        var recipients = Verb.Texts("--recipient", "KEY", "A key that will open the file: its id, or alias: and a name. Any one of several opens it.");
        var cipher = new Option<string>("--cipher") { HelpName = "NAME", Description = "The cipher.", DefaultValueFactory = _ => FileCipher.Aes256Gcm.Name };
        cipher.AcceptOnlyFromAmong([.. FileCipher.All.Select(one => one.Name)]);
        return Verb.Of(
            context, "encrypt-file", "", [options.File, recipients, options.Aad, cipher, options.Output, options.Force],
            run => Run(run, options, run.Get(recipients) ?? [], FileCipher.All.Single(one => one.Name == run.Get(cipher))));
    }

    private static async Task<int> Run(VerbRun run, FileVerbOptions options, string[] recipients, FileCipher cipher)
    {
        if (recipients.Length is 0 or > FileHeader.MaxRecipients)
        {
            throw VerbException.Usage(FormattableString.Invariant($"A file is for 1 to {FileHeader.MaxRecipients} keys."), "Name each with --recipient KEY.");
        }

        var associatedData = await VerbInput.Optional(run.Context, run.Get(options.Aad), FileHeader.MaxAssociatedData) ?? [];
        if (associatedData.Length > FileHeader.MaxAssociatedData) throw VerbException.Usage($"--aad has more than {FileHeader.MaxAssociatedData} bytes.");
        using var ends = options.Open(run, name => name + FileEnds.Extension);
        if (ends.Name is null && run.Context.OutputIsTerminal)
        {
            throw VerbException.Usage("An encrypted file is not written to a terminal.", "Write it to a file with --out FILE, or into a pipe.");
        }

        var (key, wrapped) = await Wrap(run, recipients, FileHeader.WrappingContext(associatedData));
        using (key)
        {
            var header = MakeHeader(key, cipher, associatedData, wrapped);
            var length = Write(run, ends, key, header);
            if (ends.Name is not null) await Report(run, "encrypted", ends.Name, length, header);
        }

        return ExitCode.Done;
    }

    /// <summary>Says what was done.</summary>
    internal static Task Report(VerbRun run, string done, string name, long length, FileHeader header)
    {
        var keys = header.Recipients;
        if (!run.IsJson)
        {
            return run.Output.Line(
                $"{name}: {ProgressBar.Size(length)} {done}, for {string.Join(", ", keys.Select(key => FormattableString.Invariant($"{key.KeyId} (version {key.KeyVersion})")))}");
        }

        var answer = new JsonObject
        {
            ["file"] = name,
            ["bytes"] = length,
            ["cipher"] = header.Cipher.Name,
            ["associated_data"] = Convert.ToBase64String(header.AssociatedData),
            ["recipients"] = new JsonArray([.. keys.Select(key => new JsonObject { ["key_id"] = key.KeyId, ["key_version"] = key.KeyVersion })]),
        };
        return run.Output.Json(System.Text.Encoding.UTF8.GetBytes(answer.ToJsonString()));
    }

    // The first recipient's key draws the file key, so that the service's random generator, an HSM's perhaps, is the one that counts.
    private static async Task<(FileKey Key, List<byte[]> Wrapped)> Wrap(VerbRun run, string[] recipients, byte[] context)
    {
        var associatedData = Convert.ToBase64String(context);
        var made = await Ask(run, recipients[0], "datakey", new() { ["bytes"] = FileKey.Length, ["associated_data"] = associatedData });
        var bytes = made.Json.Bytes("plaintext");
        var key = FileKey.TryCopy(bytes) ?? throw Unreadable();
        CryptographicOperations.ZeroMemory(bytes);
        var wrapped = new List<byte[]> { made.Json.Bytes("ciphertext") };
        var ids = new Dictionary<string, string>(StringComparer.Ordinal) { [made.Json.Text("key_id") ?? ""] = recipients[0] };
        foreach (var recipient in recipients.Skip(1))
        {
            var answer = await Ask(run, recipient, "encrypt", new() { ["plaintext"] = Convert.ToBase64String(key.Bytes), ["associated_data"] = associatedData });
            if (!ids.TryAdd(answer.Json.Text("key_id") ?? "", recipient))
            {
                throw VerbException.Usage($"{ids[answer.Json.Text("key_id") ?? ""]} and {recipient} are the same key.", "Name it once.");
            }

            wrapped.Add(answer.Json.Bytes("ciphertext"));
        }

        return (key, wrapped);
    }

    // Of several recipients, the line names the one that was refused. A key of RSA fails in two ways: it makes no data keys, and takes no
    // associated data.
    private static async Task<ServiceAnswer> Ask(VerbRun run, string recipient, string operation, JsonObject body)
    {
        try
        {
            return await Footprint.Ask(run, ServiceCall.Use(ServiceCall.Of($"v1/keys/{recipient}/{operation}"), body));
        }
        catch (VerbException e) when (e.ExitCode is ExitCode.Refused or ExitCode.NotFound || e.Code is "permission_denied")
        {
            throw e.Of($"{recipient} cannot be a recipient", e.Code is "wrong_key_usage" or "invalid_parameter" ? "Recipients are symmetric keys for encryption." : null);
        }
    }

    private static FileHeader MakeHeader(FileKey key, FileCipher cipher, byte[] associatedData, List<byte[]> wrapped)
    {
        try
        {
            return FileHeader.Make(key, cipher, associatedData, RandomNumberGenerator.GetBytes(FileHeader.SaltLength), wrapped);
        }
        catch (FileFormatException)
        {
            throw Unreadable();
        }
    }

    private static long Write(VerbRun run, FileEnds ends, FileKey key, FileHeader header)
    {
        using var bar = ProgressBar.Of(run.Context, ends.Length);
        using var chunks = key.OpenPayloadKey(header.Cipher, header.Salt);
        var length = 0L;
        var progress = ends.Progress(bar);
        try
        {
            var output = ends.Begin();
            header.WriteTo(output);
            Payload.Encrypt(chunks, ends.Input, output, done => progress(length = done));
            ends.Commit();
            return length;
        }
        catch (FileFormatException e)
        {
            throw new VerbException("too_long", e.Message, ExitCode.Refused, inner: e);
        }
    }

    private static VerbException Unreadable() =>
        new("unreadable_answer", "The service's answer is no encrypted file key.", ExitCode.Unreachable, "Is this the service's address, and its version the same?");
}
