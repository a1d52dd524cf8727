using System.Runtime.InteropServices;

namespace OrleansKms.Grains.Clocks;

/// <summary>
/// A clock that only rises and keeps counting while the machine is suspended; a monotonic clock stands still then, and a process
/// that wakes would believe that no time has passed. Replaced in tests.
/// </summary>
/// <remarks>
/// When a hypervisor pauses a machine (a live migration, a snapshot, a suspended guest), all of its clocks stand still. So a
/// bound counts the time for which this machine runs.
/// </remarks>
internal class BootClock
{
    private const int ClockBoottime = 7;
    private static readonly bool _isLinux = OperatingSystem.IsLinux();

    /// <summary>Time since the machine started, in nanoseconds.</summary>
    public virtual long Now
    {
        get
        {
            if (_isLinux && NativeClockGetTime(ClockBoottime, out var time) == 0)
            {
                return time.Seconds * 1_000_000_000 + time.Nanoseconds;
            }

            // Elsewhere the runtime's own count, which on Windows includes sleep, too.
            return Environment.TickCount64 * 1_000_000;
        }
    }

    // Read from the kernel's shared page, without a system call; so the call can stay in the runtime's cooperative mode.
#pragma warning disable SYSLIB1054 // Generated marshalling would need unsafe code; there is nothing to marshal.
    [DllImport("libc", EntryPoint = "clock_gettime"), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeClockGetTime(int clock, out Timespec time);
#pragma warning restore SYSLIB1054

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
