using System.Reflection;
using Microsoft.Data.Sqlite;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>That every grain method refuses a message without a caller, before anything happens.</summary>
public sealed class CallerTests : KeyGrainTest
{
    private const string Kept = "kept";
    private const string Missing = "missing";

    private static readonly (Type Interface, MethodInfo Method)[] _methods =
    [
        .. from type in typeof(IKeyGrain).Assembly.GetTypes()
           where type.IsInterface && typeof(IGrain).IsAssignableFrom(type)
           from method in type.GetMethods()
           select (type, method),
    ];

    private byte[] _ciphertext = [];

    [Fact]
    public async Task NoCaller_IsRefusedByEveryMethod_AndNothingIsChanged()
    {
        await Silo.Create(Kept);
        await Rotate(Kept);
        await Silo.Grains.GetGrain<IAliasGrain>(Kept).Point(new(TestSilo.Caller, Kept));
        _ciphertext = (await Encrypt(Kept)).Ciphertext;
        var (rows, key) = (await Rows(), await Describe(Kept));
        Caller?[] nobody = [null, new(null!, "local", "request-1"), new("test", null!, "request-1"), new("test", "local", null!)];

        foreach (var (type, method) in _methods)
        {
            foreach (var grain in Grains(type))
            {
                foreach (var caller in nobody) Assert.Equal((method, "invalid_request"), (method, await CodeOf(grain, method, caller)));
            }
        }

        var after = await Describe(Kept);
        Assert.Equal(key.Uses, after.Uses);
        Assert.Equal(rows, await Rows());
        await NothingIsActive(Missing);

        // The same messages are no worse than that nobody sent them.
        foreach (var (type, method) in _methods)
        {
            foreach (var grain in Grains(type)) Assert.NotEqual((method, "invalid_request"), (method, await CodeOf(grain, method, TestSilo.Caller)));
        }
    }

    private object[] Grains(Type type) => typeof(IGrainWithStringKey).IsAssignableFrom(type)
        ? [Silo.Grains.GetGrain(type, Kept), Silo.Grains.GetGrain(type, Missing)]
        : [Silo.Grains.GetGrain(type, 0)];

    private async Task<string?> CodeOf(object grain, MethodInfo method, Caller? caller)
    {
        try
        {
            var call = method.Invoke(grain, [Message(method.GetParameters().Single().ParameterType, caller!)])!;
            await (call as Task ?? (Task)call.GetType().GetMethod("AsTask")!.Invoke(call, null)!);
            return null;
        }
        catch (KmsException e)
        {
            return e.Code;
        }
    }

    private object Message(Type type, Caller caller) => type.Name switch
    {
        nameof(CreateKey) => new CreateKey { Caller = caller },
        nameof(UpdateKey) => new UpdateKey { Caller = caller, Description = new(true, "changed") },
        nameof(KeyCommand) => new KeyCommand(caller),
        nameof(KeyVersionCommand) => new KeyVersionCommand(caller, 1),
        nameof(ScheduleDeletion) => new ScheduleDeletion(caller, TimeSpan.FromDays(30)),
        nameof(ScheduleVersionDestruction) => new ScheduleVersionDestruction(caller, 1),
        nameof(OrleansKms.Encrypt) => new Encrypt(caller, Plaintext),
        nameof(OrleansKms.Decrypt) => new Decrypt(caller, _ciphertext),
        nameof(GenerateDataKey) => new GenerateDataKey(caller, 32, WithPlaintext: true),
        nameof(EncryptBatch) => new EncryptBatch(caller, [new(Plaintext)]),
        nameof(DecryptBatch) => new DecryptBatch(caller, [new(_ciphertext)]),
        nameof(GenerateDataKeyPair) => new GenerateDataKeyPair(caller, "X25519", WithPlaintext: true),
        nameof(MakeImportParameters) => new MakeImportParameters(caller),
        nameof(ImportKey) => new ImportKey(caller, new byte[48], new byte[400]),
        nameof(ExportKey) => new ExportKey(caller, [1]),
        nameof(GenerateMac) => new GenerateMac(caller, new(Plaintext)),
        nameof(GenerateMacBatch) => new GenerateMacBatch(caller, [new(Plaintext)]),
        nameof(VerifyMac) => new VerifyMac(caller, new(Plaintext, [])),
        nameof(VerifyMacBatch) => new VerifyMacBatch(caller, [new(Plaintext, [])]),
        nameof(Encapsulate) => new Encapsulate(caller),
        nameof(Decapsulate) => new Decapsulate(caller, Plaintext),
        nameof(Derive) => new Derive { Caller = caller, Context = Plaintext },
        nameof(Sign) => new Sign(caller, new(Plaintext)),
        nameof(SignBatch) => new SignBatch(caller, [new(Plaintext)]),
        nameof(Verify) => new Verify(caller, new(new(Plaintext), [])),
        nameof(VerifyBatch) => new VerifyBatch(caller, [new(new(Plaintext), [])]),
        nameof(SignJws) => new SignJws(caller, Plaintext),
        nameof(ReadPublishedKeys) => new ReadPublishedKeys(caller, 10),
        nameof(ReadPublicKey) => new ReadPublicKey(caller),
        nameof(RestoreKey) => new RestoreKey(caller, []),
        nameof(Reencrypt) => new Reencrypt(caller, _ciphertext, null, Kept, null),
        nameof(DrawRandom) => new DrawRandom(caller, 32),
        nameof(DirectoryQuery) => new DirectoryQuery(caller, "", null, 10, IncludeDestroyed: false),
        nameof(ApprovalCommand) => new ApprovalCommand(caller, ApprovalId.Of(Kept, new string('0', 32))),
        nameof(ApprovalsQuery) => new ApprovalsQuery(caller),
        nameof(ApprovalKeysQuery) => new ApprovalKeysQuery(caller, null, 10, OnlyPending: true),
        nameof(HealthQuery) => new HealthQuery(caller),
        nameof(CredentialsQuery) => new CredentialsQuery(caller),
        nameof(AliasCommand) => new AliasCommand(caller),
        nameof(PointAlias) => new PointAlias(caller, Kept),
        nameof(KekCommand) => new KekCommand(caller),
        nameof(AuditQuery) => new AuditQuery(caller, 1),
        nameof(AuditCommand) => new AuditCommand(caller),
        nameof(GatewayCalls) => new GatewayCalls(caller, []),
        nameof(DestroyKek) => new DestroyKek(caller, new string('0', 32)),
        nameof(ReadKeyHistory) => new ReadKeyHistory(caller, 10),
        nameof(SetKeyPolicy) => new SetKeyPolicy(caller, PolicyText.Of([])),
        nameof(PutPolicy) => new PutPolicy(caller, "made", PolicyText.Of([])),
        nameof(PolicyCommand) => new PolicyCommand(caller, "made"),
        nameof(ListPolicies) => new ListPolicies(caller, "", null, 10),
        nameof(SimulateAccess) => new SimulateAccess { Caller = caller, Principal = "admin", Action = "keys:encrypt", KeyId = Kept },
        nameof(FindPrincipal) => new FindPrincipal(caller, "token:0123456789abcdef"),
        nameof(AccessChangesQuery) => new AccessChangesQuery(caller, 0),
        nameof(CreatePrincipal) => new CreatePrincipal { Caller = caller, Name = "made" },
        nameof(UpdatePrincipal) => new UpdatePrincipal { Caller = caller, Name = "made" },
        nameof(PrincipalCommand) => new PrincipalCommand(caller, "made"),
        nameof(ListPrincipals) => new ListPrincipals(caller, "", null, 10),
        nameof(CreateToken) => new CreateToken(caller, "made", TimeSpan.FromDays(1)),
        nameof(RevokeToken) => new RevokeToken(caller, "made", "0123456789abcdef"),
        nameof(NoteTokenUse) => new NoteTokenUse(caller, "0123456789abcdef", DateTimeOffset.UnixEpoch),
        nameof(SetNamespaceLimits) => new SetNamespaceLimits(caller, "made", null),
        nameof(NamespaceCommand) => new NamespaceCommand(caller, "made"),
        nameof(NamespaceLimitsQuery) => new NamespaceLimitsQuery(caller),
        nameof(ReserveUses) => new ReserveUses { Caller = caller, Count = 1, Per = TimeSpan.FromSeconds(1), Needed = 1, Wanted = 1, Gateway = "gateway" },
        _ => throw new InvalidOperationException($"Add a message of the type {type} here."),
    };

    private async Task NothingIsActive(string id)
    {
        var management = Silo.Grains.GetGrain<IManagementGrain>(0);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while ((await management.GetDetailedGrainStatistics())
            .Any(grain => grain.GrainId.Type.ToString() is "key" or "alias" && grain.GrainId.Key.ToString() == id))
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    private async Task<List<string>> Rows()
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(Folder.FullName, "kms.db")}");
        await connection.OpenAsync();
        var command = connection.CreateCommand();
        command.CommandText = "SELECT row_name || ' ' || grain_key || ' ' || version || ' ' || hex(payload) FROM okms_row ORDER BY 1";
        var rows = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) rows.Add(reader.GetString(0));
        return rows;
    }
}
