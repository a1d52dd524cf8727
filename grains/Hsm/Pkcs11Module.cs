using System.Reflection;
using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// A PKCS#11 module in this process. A module is initialised once for a process, whoever uses it, so there is one shared,
/// reference-counted object for each path. Calls are made inside <see cref="Enter"/>, and a reinitialisation waits until there is
/// none.
/// </summary>
#pragma warning disable CA1001 // A module, and its locks, stay loaded for the life of the process.
internal sealed class Pkcs11Module
#pragma warning restore CA1001
{
    // A call that hangs would block a reinitialisation for ever.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private static readonly Lock _registry = new();
    private static readonly Dictionary<string, Pkcs11Module> _modules = new(StringComparer.Ordinal);

    private readonly ReaderWriterLockSlim _calls = new();
    private readonly ReaderWriterLockSlim _objects = new();
    private readonly string _path;
    private int _users;
    private bool _isOurs;

    static Pkcs11Module() => NativeLibrary.SetDllImportResolver(typeof(Pkcs11Library).Assembly, ResolveLoader);

    private Pkcs11Module(string path, Pkcs11Library functions) => (_path, Functions) = (path, functions);

    /// <summary>The module's functions.</summary>
    public Pkcs11Library Functions { get; }

    /// <summary>What this process has failed to destroy, and the module may no longer show.</summary>
    public HsmDestructions Destructions { get; } = new();

    /// <summary>How often the module has been finalised; anything from before is no longer valid.</summary>
    public int Finalisations { get; private set; }

    /// <summary>Loads and initialises a module, unless this process has it already.</summary>
    /// <exception cref="HsmException">It cannot be loaded or initialised.</exception>
    public static Pkcs11Module Acquire(string path)
    {
        lock (_registry)
        {
            if (!_modules.TryGetValue(path, out var module))
            {
                module = new Pkcs11Module(path, Load(path));
                _modules.Add(path, module);
            }

            // Once loaded it stays: modules are seldom made to be unloaded.
            if (module._users == 0)
            {
                module.Initialise();
            }

            module._users++;
            return module;
        }
    }

    /// <summary>Releases one use of the module; the last one finalises it.</summary>
    /// <param name="mayFinalise">Whether it may be finalised: false while a thread may still be in it.</param>
    public void Release(bool mayFinalise = true)
    {
        lock (_registry)
        {
            if (--_users == 0 && _isOurs && mayFinalise && _calls.TryEnterWriteLock(_patience))
            {
                Finalise();
                _calls.ExitWriteLock();
            }
        }
    }

    /// <summary>Begins a module call; dispose to end it.</summary>
    public Call Enter()
    {
        _calls.EnterReadLock();
        return new Call(_calls);
    }

    /// <summary>
    /// Begins a search for objects or a read of their attributes; dispose to end it. Excludes making and destroying: a
    /// thread-safe module may still show a key that is half made, and fail to make one that another thread finds in the meantime
    /// (SoftHSM 2.6.1 does). A call that hangs delays the others for a second, not for ever.
    /// </summary>
    public Objects LookAtObjects() => new(_objects, _objects.TryEnterReadLock(_patience), isWrite: false);

    /// <summary>Begins making or destroying an object, exclusively; dispose to end it.</summary>
    public Objects ChangeObjects() => new(_objects, _objects.TryEnterWriteLock(_patience), isWrite: true);

    /// <summary>
    /// Reinitialises the module, which ends all sessions of this process: some modules look for tokens only then.
    /// </summary>
    /// <param name="seen">The number of finalisations that the caller knows; does nothing if there was one since.</param>
    /// <returns>False when a call in progress does not end.</returns>
    /// <exception cref="HsmException">It cannot be initialised.</exception>
    public bool TryInitialiseAnew(int seen)
    {
        if (!_isOurs || !_calls.TryEnterWriteLock(_patience))
        {
            return false;
        }

        try
        {
            if (Finalisations == seen)
            {
                Finalise();
                Initialise();
            }

            return true;
        }
        finally
        {
            _calls.ExitWriteLock();
        }
    }

    private static Pkcs11Library Load(string path)
    {
        // The structures differ between platforms; these are those of 64-bit Linux and macOS.
        if (!Environment.Is64BitProcess || OperatingSystem.IsWindows())
        {
            throw new HsmException("An HSM works only on 64-bit Linux or macOS.");
        }

        if (!File.Exists(path))
        {
            throw new HsmException($"There is no PKCS#11 module {path}.");
        }

        try
        {
            return new Pkcs11Library(path);
        }
        catch (Exception e) when (e is UnmanagedException or LibraryArchitectureException or IOException or UnauthorizedAccessException)
        {
            throw new HsmException($"The PKCS#11 module {path} cannot be loaded: {e.Message}", e);
        }
    }

    private void Initialise()
    {
        var code = Functions.C_Initialize(new CK_C_INITIALIZE_ARGS { Flags = CKF.CKF_OS_LOCKING_OK });
        if (code is not (CKR.CKR_OK or CKR.CKR_CRYPTOKI_ALREADY_INITIALIZED))
        {
            throw new HsmException($"The PKCS#11 module {_path} cannot be initialised: {new Pkcs11Exception("C_Initialize", code).Message}.");
        }

        // Finalising what other code in this process initialised is not our job.
        _isOurs = code == CKR.CKR_OK;
    }

    // Counted here, since this is what ends sessions, whether or not the module can be initialised again.
    private void Finalise()
    {
        Finalisations++;
        Functions.C_Finalize(IntPtr.Zero);
    }

    // The library asks for libdl, which Debian ships only in development packages; this is the loader's own name.
    private static IntPtr ResolveLoader(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == "libdl" && OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libdl.so.2", out var handle) ? handle : IntPtr.Zero;

    /// <summary>A call in progress.</summary>
    internal readonly struct Call(ReaderWriterLockSlim calls) : IDisposable
    {
        /// <summary>Ends it.</summary>
        public void Dispose() => calls.ExitReadLock();
    }

    /// <summary>A search for objects, or a change of them.</summary>
    internal readonly struct Objects(ReaderWriterLockSlim gate, bool isEntered, bool isWrite) : IDisposable
    {
        /// <summary>Ends it.</summary>
        public void Dispose()
        {
            if (isEntered && isWrite)
            {
                gate.ExitWriteLock();
            }
            else if (isEntered)
            {
                gate.ExitReadLock();
            }
        }
    }
}
