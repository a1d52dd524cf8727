using System.CommandLine;
using OrleansKms.Silo.Commands;
using OrleansKms.Silo.Verbs.Access;
using OrleansKms.Silo.Verbs.Cryptography;
using OrleansKms.Silo.Verbs.Files;
using OrleansKms.Silo.Verbs.Keys;
using OrleansKms.Silo.Verbs.Operation;
using OrleansKms.Silo.Verbs.Rewrap;

namespace OrleansKms.Silo.Verbs;

/// <summary>
/// The table of contents of the verbs for work. Only the verb that is asked for is made whole: making all of them takes longer than most
/// of them work.
/// </summary>
internal static class WorkVerbs
{
    private static readonly Row[] _rows =
    [
        new("keys", "Creates, lists, changes, rotates, imports, exports and deletes keys.", KeyVerbs.Command),
        new("unused", "Lists keys that nothing has used for a time.", UnusedVerb.Command),
        new("alias", "Names for keys.", AliasVerbs.Command),
        new("encrypt", "Encrypts.", EncryptionVerbs.Encrypt),
        new("decrypt", "Decrypts what encrypt has printed, in any form.", EncryptionVerbs.Decrypt),
        new("rewrap-one", "Re-encrypts one ciphertext under its key's primary version, without showing the plaintext.", EncryptionVerbs.Rewrap),
        new("reencrypt", "Moves a ciphertext to another key, without showing the plaintext.", EncryptionVerbs.Reencrypt),
        new("datakey", "Makes a data key, in the clear and encrypted.", DataKeyVerbs.DataKey),
        new("datakey-pair", "Makes a key pair, with its private key in the clear and encrypted.", DataKeyVerbs.Pair),
        new("encrypt-file", "Encrypts a file of any size for one key or several.", EncryptFileVerb.Command),
        new("decrypt-file", "Decrypts a file of encrypt-file. A changed or incomplete one gets no output.", DecryptFileVerb.Command),
        new("rewrap", "Moves the ciphertexts of a file to their keys' primary versions. After a kill or a failure, the same command goes on where it was.", RewrapVerb.Command),
        new("sign", "Signs a message.", SignatureVerbs.Sign),
        new("verify", "Verifies a signature.", SignatureVerbs.Verify),
        new("mac", "Makes and verifies MACs.", MacVerbs.Command),
        new("derive", "Derives a key, or agrees on one with the owner of a public key.", SecretVerbs.Derive),
        new("encapsulate", "Makes a secret for the owner of a key (KEM).", SecretVerbs.Encapsulate),
        new("decapsulate", "Finds an encapsulated secret.", SecretVerbs.Decapsulate),
        new("jws", "Signs a token (JWS, so also JWT).", TokenVerbs.Jws),
        new("jwks", "Prints the public keys that verify tokens.", TokenVerbs.Jwks),
        new("random", "Draws random bytes.", SecretVerbs.Random),
        new("policy", "Policies: who may do what.", PolicyVerbs.Command),
        new("principal", "Principals: who signs in.", PrincipalVerbs.Command),
        new("token", "API tokens of principals.", ApiTokenVerbs.Command),
        new("whoami", "Tells who you are to the service, and with which policies.", ServiceVerbs.WhoAmI),
        new("approval", "Operations that wait for others' approval.", ApprovalVerbs.Command),
        new("namespace", "Usage limits that all keys of a namespace share.", NamespaceVerbs.Command),
        new("health", "Tells whether every part of the service works.", ServiceVerbs.Health),
        new("kek", "Key-encryption keys, under which all rows are sealed.", KekVerbs.Command),
    ];

    // They have commands for operators as well, which read logs or the database.
    private static readonly Row[] _shared =
    [
        new("audit", "Searches the audit trail, verifies it and proves its records.", context =>
            With(AuditCommands.Command(), AuditVerbs.Search(context), AuditVerbs.Logs(context))),
        new("root", "Tells which root keys wrap the KEKs, and changes the root key.", context =>
            With(ChangeRoot.Command(), KekVerbs.RootStatus(context))),
    ];

    /// <summary>The verbs.</summary>
    /// <param name="arguments">The program's arguments; null makes all.</param>
    /// <param name="context">The process.</param>
    public static Command[] Commands(string[]? arguments, VerbContext context) => Made(_rows, arguments, context);

    /// <summary>The commands for operators that have verbs, too.</summary>
    /// <inheritdoc cref="Commands"/>
    public static Command[] Shared(string[]? arguments, VerbContext context) => Made(_shared, arguments, context);

    private static Command[] Made(Row[] rows, string[]? arguments, VerbContext context)
    {
        // A directive, as completion of a command line has one, asks about any.
        var all = arguments is null or [['[', ..], ..];
        return [.. rows.Select(row => all || arguments!.Contains(row.Name) ? Made(row, context) : new Command(row.Name, row.Description))];
    }

    private static Command Made(Row row, VerbContext context)
    {
        var command = row.Make(context);
        command.Description = row.Description;
        return command;
    }

    private static Command With(Command command, params Command[] more)
    {
        foreach (var one in more) command.Add(one);
        return command;
    }

    private sealed record Row(string Name, string Description, Func<VerbContext, Command> Make);
}
