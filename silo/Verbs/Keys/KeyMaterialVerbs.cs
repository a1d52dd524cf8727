using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Grains.Cryptography.Importing;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>Own material, which is wrapped and unwrapped here: it is nowhere else in the clear.</summary>
internal static class KeyMaterialVerbs
{
    private const int WrappingKeyBits = 3072;

    /// <summary>The verb <c>keys import</c>.</summary>
    public static Command Import(VerbContext context)
    {
        var key = Verb.Key();
        var file = new Argument<string>("FILE") { Description = "The material: a key as PEM or DER, or the bytes of a symmetric one. - is standard input." };
        return Verb.Of(context, "import", "Imports material as the next version of a key of origin external. It is wrapped here, for this service alone.", [key, file], async run =>
        {
            using var material = await MaterialFile.Read(run.Context, run.Require(file));
            if (material.Length == 0) throw VerbException.Usage("The file is empty.");
            var id = run.Require(key);
            var parameters = (await run.Ask(ServiceCall.Change(ServiceCall.Of($"v1/keys/{id}/import-parameters")))).Json;
            using var wrapping = PublicKey(parameters.Text("wrapping_public_key") ?? "", WrappingKeyBits)
                ?? throw new VerbException("unreadable_answer", "The service's wrapping key is not an RSA key of 3072 bits or more.", ExitCode.Refused, "Nothing was sent.");
            var body = new JsonObject
            {
                ["import_token"] = parameters.Text("import_token"),
                ["wrapped_material"] = Convert.ToBase64String(MaterialWrapping.Wrap(wrapping, material.Span)),
            };
            return await run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/keys/{id}/import"), body), json =>
                $"imported version {json.Text("primary_version")} of {json.Text("id")}, which is its primary one");
        });
    }

    /// <summary>The verb <c>keys export</c>.</summary>
    public static Command Export(VerbContext context)
    {
        var (key, version) = (Verb.Key(), Verb.Version("The version; by default the primary one."));
        var file = Verb.NewFile(context, "--out", "The new file that it is written to, which only you may read.", isBesideJson: true);
        var der = Verb.Switch("--der", "Writes a private key in DER instead of PEM.");
        var recipient = Verb.Text("--for", "FILE", "An RSA public key as PEM. The material stays wrapped for its owner, and nothing is in the clear here.");
        var own = Verb.Text("--wrapping-key", "FILE", "Your RSA private key as PEM, to export with. An export that waits for approval must be repeated with the same.");
        return Verb.Of(context, "export", "Exports the material of a key that was created exportable.", [key, version, file, der, recipient, own], async run =>
        {
            if (run.Get(recipient) is not null && run.IsJson && run.Get(file) is not null) throw VerbException.Usage("--out and --json exclude each other.");
            if (run.Get(recipient) is { } theirs) return await ExportFor(run, theirs, run.Require(key), run.Get(version), run.Get(file));
            var path = run.Get(file) ?? throw VerbException.Usage("Material is not written to standard output.", "Add --out FILE.");
            if (run.Get(own) is null) await RefuseGuarded(run, run.Require(key));
            using var wrapping = run.Get(own) is { } mine ? await OwnKey(run, mine) : RSA.Create(WrappingKeyBits);
            var answer = await run.Ask(Call(run.Require(key), run.Get(version), wrapping.ExportSubjectPublicKeyInfoPem()));
            if (await run.Pending(answer)) return ExitCode.Pending;
            using var material = MaterialWrapping.Unwrap(wrapping, answer.Json.Bytes("wrapped_material"))
                ?? throw new VerbException("unreadable_answer", "What the service answered does not unwrap.", ExitCode.Refused);
            var content = MaterialFile.Format(material.Span, run.Get(der));
            run.Output.File(path, content);
            CryptographicOperations.ZeroMemory(content);
            var number = answer.Json.Number("key_version");
            if (run.IsJson) await run.Output.Json(Encoding.UTF8.GetBytes(new JsonObject { ["key_version"] = number, ["file"] = path }.ToJsonString()));
            else await run.Output.Line(FormattableString.Invariant($"exported version {number} of {run.Require(key)} to {path}"));
            return ExitCode.Done;
        });
    }

    private static async Task<int> ExportFor(VerbRun run, string recipient, string key, int? version, string? file)
    {
        var pem = (await VerbInput.Text(run.Context, recipient == "-" ? "-" : "@" + recipient.TrimStart('@')))!;
        using (var rsa = PublicKey(pem, KmsLimits.MinWrappingKeyBits) ?? throw VerbException.Usage($"{recipient} is not an RSA public key as PEM, of 2048 bits or more."))
        {
            pem = rsa.ExportSubjectPublicKeyInfoPem();
        }

        return await run.Answer(Call(key, version, pem), async json =>
        {
            if (file is null) await run.Output.Line(json.Text("wrapped_material") ?? "");
            else
            {
                run.Output.File(file, json.Bytes("wrapped_material"));
                await run.Output.Line($"exported version {json.Text("key_version")} of {key}, wrapped, to {file}");
            }
        });
    }

    private static ServiceCall Call(string key, int? version, string publicKey)
    {
        var body = new JsonObject { ["wrapping_public_key"] = publicKey };
        if (version is { } number) body["version"] = number;
        return ServiceCall.Change(ServiceCall.Of($"v1/keys/{key}/export"), body);
    }

    /// <summary>Refuses an export that would wait for approval under a key that this program forgets: nobody could ever finish it.</summary>
    private static async Task RefuseGuarded(VerbRun run, string key)
    {
        try
        {
            var described = (await run.Ask(ServiceCall.Get(ServiceCall.Of($"v1/keys/{key}")))).Json;
            if (described.Field("approval")?.List("operations").Any(operation => operation.GetString() == "export") == true)
            {
                throw VerbException.Usage(
                    "Exports of this key wait for approval, which is for one wrapping key.",
                    "Make one (openssl genrsa -out wrapping.pem 3072) and add --wrapping-key wrapping.pem, now and when you repeat it.");
            }
        }
        catch (VerbException e) when (e.Code == "permission_denied")
        {
            // Who may export need not be allowed to look.
        }
    }

    private static async Task<RSA> OwnKey(VerbRun run, string file)
    {
        using var material = await MaterialFile.Read(run.Context, file);
        var rsa = RSA.Create();
        try
        {
            rsa.ImportPkcs8PrivateKey(material.Span, out _);
            return rsa;
        }
        catch (CryptographicException e)
        {
            rsa.Dispose();
            throw VerbException.Usage($"{file} is not an RSA private key as PEM.", inner: e);
        }
    }

    private static RSA? PublicKey(string pem, int minBits)
    {
        var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            if (rsa.KeySize >= minBits) return rsa;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // It is none.
        }

        rsa.Dispose();
        return null;
    }
}
