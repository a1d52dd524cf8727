using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Transport;

/// <summary>
/// Who may read a private key's file. Asked of the open file and not of its name, which may be a link (as where secrets are
/// mounted) or name another file a moment later.
/// </summary>
internal static class PrivateKeyFile
{
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    private const UnixFileMode GroupChanges = UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxUserId = 0x8;
    private const int StatxSize = 256;
    private const int UserIdOffset = 20; // of stx_uid, the same on every architecture

    /// <summary>Whether a file is as private as a key must be.</summary>
    public static bool IsPrivate(SafeFileHandle file) =>
        OperatingSystem.IsWindows() || IsPrivate(File.GetUnixFileMode(file), IsLentByRoot(file));

    /// <summary>
    /// Nobody but the owner may read it. Where root owns it and this process is somebody else, the group is how it is meant to
    /// read (a mounted secret, a service's credentials), so then the group may.
    /// </summary>
    public static bool IsPrivate(UnixFileMode mode, bool lentByRoot) =>
        (mode & (Others | GroupChanges)) == 0 && (lentByRoot || (mode & UnixFileMode.GroupRead) == 0);

    private static bool IsLentByRoot(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux() || EffectiveUserId() == 0) return false;
        var status = new byte[StatxSize];
        return Statx((int)file.DangerousGetHandle(), "", AtEmptyPath, StatxUserId, status) == 0
            && (ReadNative(status, 0) & StatxUserId) != 0
            && ReadNative(status, UserIdOffset) == 0;
    }

    private static uint ReadNative(byte[] status, int offset) => MemoryMarshal.Read<uint>(status.AsSpan(offset));

#pragma warning disable SYSLIB1054 // Generated marshalling needs unsafe code, which this project does not allow.
    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(
        int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, [Out] byte[] status);

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint EffectiveUserId();
#pragma warning restore SYSLIB1054
}
