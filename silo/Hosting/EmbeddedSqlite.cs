using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Silo.Hosting;

/// <summary>
/// SQLite's native library inside a single-file program. The linker loads libraries from files only, so this one gets a file in
/// memory: nothing is unpacked to a disk, where another program could replace it or a read-only system could not hold it.
/// </summary>
internal static partial class EmbeddedSqlite
{
    /// <summary>The library's name, as a file beside the program and as a resource within it.</summary>
    public const string FileName = "libe_sqlite3.so";

    private const string ImportName = "e_sqlite3";
    private const uint CloseOnExecute = 1; // MFD_CLOEXEC

    private static bool _isUsed;

    /// <summary>Makes the program load the embedded library, if there is one, when it is first needed. A repeat does nothing.</summary>
    public static void Use()
    {
        if (Interlocked.Exchange(ref _isUsed, true)) return;
        var program = typeof(EmbeddedSqlite).Assembly;
        if (program.GetManifestResourceInfo(FileName) is null) return;
        var library = new Lazy<nint>(() =>
        {
            using var content = program.GetManifestResourceStream(FileName)!;
            return Load(content);
        });
        NativeLibrary.SetDllImportResolver(
            typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == ImportName ? library.Value : 0);
    }

    /// <summary>Loads a native library.</summary>
    /// <param name="content">The bytes of its file.</param>
    /// <returns>Its handle; it is never unloaded.</returns>
    /// <exception cref="InvalidOperationException">The kernel gives no file in memory.</exception>
    /// <exception cref="DllNotFoundException">It cannot be loaded.</exception>
    public static nint Load(Stream content)
    {
        var descriptor = CreateMemoryFile(FileName, CloseOnExecute);
        if (descriptor < 0) throw new InvalidOperationException($"SQLite cannot be loaded: no file in memory (error {Marshal.GetLastPInvokeError()}).");
        using var file = new FileStream(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write);
        content.CopyTo(file);
        file.Flush();
        return NativeLibrary.Load($"/proc/self/fd/{descriptor}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
