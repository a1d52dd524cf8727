using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Tests.Cluster.Storage;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>
/// The token of the tests that use the module in their own process, where it can be configured only once, and a silo's storage
/// with its root there.
/// </summary>
public sealed class SharedToken : IAsyncLifetime
{
    /// <summary>Tests that take turns: SoftHSM fails now and then when several processes change one token at a time.</summary>
    public const string Collection = "shared token";

    private const int MaxTries = 5;

    private static readonly SoftHsm _hsm = Start();

    private readonly TemporaryDirectory _directory = new();

    public StorageSilo Silo { get; private set; } = null!;

    internal static HsmOptions Options => HsmOptions.Read(_hsm.Address, pin: null) with
    {
        MayCreateRoot = true,
        Sessions = 2,
        Timeout = TimeSpan.FromSeconds(30),
        ProbeInterval = TimeSpan.FromMilliseconds(100),
    };

    /// <summary>The environment of a service that uses the same token.</summary>
    internal static (string Name, string? Value)[] Environment => _hsm.Environment();

    /// <summary>The files of the keys on the token.</summary>
    internal static IReadOnlyList<string> KeyFiles => _hsm.KeyFiles;

    internal HsmProofs Proofs => Silo.Services.GetRequiredService<HsmProofs>();

    internal HsmToken Token => (HsmToken)Silo.Services.GetService(typeof(HsmToken))!;

    /// <summary>Makes the token's module misbehave, in this process and in those of the services that use it.</summary>
    internal static IDisposable Switch(params string[] misbehaviours) => _hsm.Misbehaving!.Switch(misbehaviours);

    internal static HsmOptions WithRootLabel(string label) => HsmOptions.Read(
        _hsm.Address.Replace("object=okms-root", "object=" + label, StringComparison.Ordinal), pin: null);

    public async Task InitializeAsync()
    {
        Silo = await StorageSilo.Start(
            new KmsStorageOptions { DataDirectory = _directory.Path, Hsm = Options },
            silo => silo.Services.AddRowTypes(KeyRowJson.Default));

        // What a test makes misbehave is not what was tried.
        await Task.WhenAll(HsmMechanism.All.Select(m => Proofs.Get(m, CancellationToken.None)));
    }

    public async Task DisposeAsync()
    {
        await Silo.DisposeAsync();
        _directory.Delete();
    }

    /// <summary>Puts a key on the token, as an operator with a tool of his own might.</summary>
    internal static void Import(Pkcs11Template template) => Write((module, session) =>
    {
        ulong key = 0;
        var attributes = template.ToArray();
        var code = module.Functions.C_CreateObject(session, attributes, (ulong)attributes.Length, ref key);
        GC.KeepAlive(template);
        return code;
    });

    /// <summary>Keys on the token.</summary>
    /// <param name="service">The service id.</param>
    /// <param name="time">The clock; null for the system's.</param>
    internal HsmKeyProvider Keys(string service, TimeProvider? time = null) =>
        new(Token, Proofs, 2, service, time ?? TimeProvider.System, NullLogger<HsmKeyProvider>.Instance);

    /// <summary>Lets the token make a key.</summary>
    internal Task Generate(Pkcs11Template template) => Token.Run(
        session =>
        {
            session.GenerateAesKey(template);
            return true;
        },
        CancellationToken.None);

    private static void Write(Func<Pkcs11Module, ulong, CKR> write)
    {
        var module = Pkcs11Module.Acquire(_hsm.Misbehaving!.Path);
        using (module.Enter())
        {
            ulong count = 0;
            module.Functions.C_GetSlotList(true, null, ref count);
            var slots = new ulong[count];
            module.Functions.C_GetSlotList(true, slots, ref count);
            ulong session = 0;
            Assert.Equal(CKR.CKR_OK, module.Functions.C_OpenSession(
                slots[0], CKF.CKF_SERIAL_SESSION | CKF.CKF_RW_SESSION, IntPtr.Zero, IntPtr.Zero, ref session));

            // SoftHSM fails now and then while others use the token.
            var code = write(module, session);
            for (var tries = 1; code == CKR.CKR_GENERAL_ERROR && tries < MaxTries; tries++) code = write(module, session);
            Assert.Equal(CKR.CKR_OK, code);
            module.Functions.C_CloseSession(session);
        }

        module.Release();
    }

    // What .NET sets does not reach native code.
    private static SoftHsm Start()
    {
        var hsm = new SoftHsm(misbehaves: true);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => hsm.Dispose();
        Assert.Equal(0, SetEnvironment("SOFTHSM2_CONF", hsm.Configuration, 1));
        return hsm;
    }

#pragma warning disable SYSLIB1054, CA5392 // Generated marshalling needs unsafe code, which this project does not allow.
    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetEnvironment(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
#pragma warning restore SYSLIB1054, CA5392
}
