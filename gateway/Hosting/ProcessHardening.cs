using System.Runtime.InteropServices;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// What the process gives up before it holds a secret: files that others can read, and core dumps, which would hold every key in
/// memory.
/// </summary>
internal static partial class ProcessHardening
{
    private const uint OwnerOnly = 0x3F; // 077: nothing for group and others
    private const int CoreFileSize = 4; // RLIMIT_CORE, on Linux and macOS alike
    private const int SetDumpable = 4; // PR_SET_DUMPABLE

    /// <summary>Applies it; to be called before anything else.</summary>
    /// <exception cref="SettingException">The runtime is told to write crash dumps.</exception>
    public static void Apply()
    {
        RefuseCrashDumps();
        if (OperatingSystem.IsWindows()) return;
        _ = SetFileModeMask(OwnerOnly);
        var none = default(ResourceLimit);
        if (SetResourceLimit(CoreFileSize, in none) != 0) throw new InvalidOperationException("Core dumps could not be disabled.");
        // Also stops other processes of the same user from attaching a debugger, where the kernel would allow it at all.
        if (OperatingSystem.IsLinux() && SetProcessAttribute(SetDumpable, 0, 0, 0, 0) != 0)
        {
            throw new InvalidOperationException("Core dumps could not be disabled.");
        }
    }

    private static void RefuseCrashDumps()
    {
        foreach (var name in (ReadOnlySpan<string>)["DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump"])
        {
            // The runtime's own dump is written by a child process and ignores the limit on core files.
            if (Environment.GetEnvironmentVariable(name) is { } value && value.Trim() is not ("" or "0"))
            {
                throw new SettingException(name, "must not be set: a crash dump holds keys in the clear.");
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly nuint Soft;
        public readonly nuint Hard;
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetFileModeMask(uint mask);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetResourceLimit(int resource, in ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int SetProcessAttribute(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
