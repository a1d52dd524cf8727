using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// <c>decrypt-file</c>: decrypts what <c>encrypt-file</c> has made. The service decrypts the file key with the first of the recipients'
/// keys that this caller may use; the rest happens on this machine.
/// </summary>
internal static class DecryptFileVerb
{
    /// <summary>The verb.</summary>
    public static Command Command(VerbContext context)
    {
        var options = new FileVerbOptions(
            "The encrypted file", "Refuses the file unless this is its associated data", "The decrypted file", $"the encrypted file's name without {FileEnds.Extension}");
        return Verb.Of(context, "decrypt-file", "", [options.File, options.Aad, options.Output, options.Force], run => Run(run, options));
    }

    private static async Task<int> Run(VerbRun run, FileVerbOptions options)
    {
        var expected = await VerbInput.Optional(run.Context, run.Get(options.Aad), FileHeader.MaxAssociatedData);
        using var ends = options.Open(run, NameFor);
        var header = ReadHeader(ends);
        if (expected is not null && !CryptographicOperations.FixedTimeEquals(expected, header.AssociatedData))
        {
            throw new VerbException("invalid_file", "The file was encrypted with other associated data.", ExitCode.Refused, "Without --aad, any is accepted.");
        }

        // Anyone can have encrypted it: its content could move the cursor, or type.
        if (ends.Name is null && run.Context.OutputIsTerminal)
        {
            throw VerbException.Usage("A decrypted file is not written to a terminal.", "Write it to a file with --out FILE, or into a pipe.");
        }

        using var key = await Unwrap(run, header);
        if (!header.IsOf(key)) throw Invalid("The header of the file was changed.", ends);
        var length = Write(run, ends, key, header);
        if (ends.Name is not null) await EncryptFileVerb.Report(run, "decrypted", ends.Name, length, header);
        return ExitCode.Done;
    }

    private static string NameFor(string file) =>
        file.EndsWith(FileEnds.Extension, StringComparison.Ordinal) && Path.GetFileName(file).Length > FileEnds.Extension.Length
            ? file[..^FileEnds.Extension.Length]
            : throw VerbException.Usage($"The name of {file} does not end in {FileEnds.Extension}, so the output has no name.", "Give it one with --out FILE.");

    private static FileHeader ReadHeader(FileEnds ends)
    {
        try
        {
            return FileHeader.Read(ends.Input);
        }
        catch (FileFormatException e)
        {
            throw Invalid(e.Message, ends, e);
        }
    }

    private static async Task<FileKey> Unwrap(VerbRun run, FileHeader header)
    {
        var associatedData = Convert.ToBase64String(FileHeader.WrappingContext(header.AssociatedData));
        var failures = new List<(Recipient Recipient, VerbException Failure)>();
        foreach (var recipient in header.Recipients)
        {
            try
            {
                var body = new JsonObject { ["ciphertext"] = Convert.ToBase64String(recipient.Wrapped), ["associated_data"] = associatedData };
                var bytes = (await Footprint.Ask(run, ServiceCall.Use("v1/decrypt", body))).Json.Bytes("plaintext");
                var key = FileKey.TryCopy(bytes);
                CryptographicOperations.ZeroMemory(bytes);
                return key ?? throw new VerbException("invalid_file", "The header holds no file key.", ExitCode.Refused);
            }
            catch (VerbException e) when (e.ExitCode is not ExitCode.Unreachable && e.Code is not ("unauthenticated" or "usage"))
            {
                // Another key may still open it.
                failures.Add((recipient, e));
            }
        }

        throw NoKey(failures);
    }

    private static VerbException NoKey(List<(Recipient Recipient, VerbException Failure)> failures)
    {
        var why = string.Join("; ", failures.Select(f => FormattableString.Invariant($"{f.Recipient.KeyId} (version {f.Recipient.KeyVersion}): {f.Failure.Code}: {f.Failure.Message.TrimEnd('.')}")));
        // What time or another token can mend comes first.
        int[] order = [ExitCode.TryLater, ExitCode.Permission, ExitCode.Refused, ExitCode.NotFound];
        var exit = order.FirstOrDefault(code => failures.Exists(f => f.Failure.ExitCode == code), ExitCode.Refused);
        return failures is [(_, { Code: "invalid_ciphertext" })]
            ? new("invalid_file", $"The header of the file was changed: {why}.", exit)
            : new("no_key", $"No key opens the file for this caller: {why}.", exit);
    }

    private static long Write(VerbRun run, FileEnds ends, FileKey key, FileHeader header)
    {
        using var bar = ProgressBar.Of(run.Context, ends.Length);
        using var chunks = key.OpenPayloadKey(header.Cipher, header.Salt);
        var length = 0L;
        var progress = ends.Progress(bar);
        try
        {
            Payload.Decrypt(chunks, ends.Input, ends.Begin(), done => progress(length = done));
            ends.Commit();
            return length;
        }
        catch (FileFormatException e)
        {
            if (ends.Name is not null || length == 0) throw Invalid(e.Message, ends, e);
            ends.Commit();
            throw new VerbException(
                "invalid_file", FormattableString.Invariant($"{e.Message} The {length} bytes that were written are its beginning, and not all of it."), ExitCode.Part, inner: e);
        }
    }

    private static VerbException Invalid(string what, FileEnds ends, Exception? inner = null) =>
        new("invalid_file", $"{what} Nothing was written{(ends.Name is null ? "" : $" to {ends.Name}")}.", ExitCode.Refused, inner: inner);
}
