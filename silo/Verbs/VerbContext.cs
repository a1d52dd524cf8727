using System.Runtime.InteropServices;

namespace OrleansKms.Silo.Verbs;

/// <summary>What a verb touches of its process. Made once for a run; each part is opened on first use. Tests have their own.</summary>
internal partial class VerbContext
{
    private const int StandardOutput = 1;
    private const short PollError = 0x8;

    /// <summary>The options that every verb has.</summary>
    public CommonOptions Options { get; } = new();

    /// <summary>The clock.</summary>
    public virtual TimeProvider Time => TimeProvider.System;

    /// <summary>Where relative paths begin.</summary>
    public virtual string Directory => Environment.CurrentDirectory;

    /// <summary>Standard input.</summary>
    public virtual Stream Input => field ??= Console.OpenStandardInput();

    /// <summary>Whether a value has taken the input.</summary>
    public bool InputIsTaken { get; set; }

    /// <summary>Standard output.</summary>
    public VerbStream Output => field ??= new(OpenOutput());

    /// <summary>Standard error.</summary>
    public virtual TextWriter Error => Console.Error;

    /// <summary>Whether somebody types the input.</summary>
    public virtual bool InputIsTerminal => !Console.IsInputRedirected;

    /// <summary>Whether somebody sees the output.</summary>
    public virtual bool OutputIsTerminal => !Console.IsOutputRedirected;

    /// <summary>Whether somebody sees what goes to standard error.</summary>
    public virtual bool ErrorIsTerminal => !Console.IsErrorRedirected;

    /// <summary>Whether the reader of the output has gone, as <c>head</c> goes: what is written then is lost without an error.</summary>
    public virtual bool OutputIsClosed
    {
        get
        {
            if (OperatingSystem.IsWindows()) return false;
            var output = new PollDescriptor { Descriptor = StandardOutput };
            return Poll(ref output, 1, 0) > 0 && (output.Happened & PollError) != 0;
        }
    }

    /// <summary>The value of an environment variable; null where it is not set, or empty.</summary>
    public string? Variable(string name) => ReadVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>An absolute path.</summary>
    public string PathOf(string path) => Path.GetFullPath(path, Directory);

    /// <summary>Reads what somebody types; null at the end of the input.</summary>
    public virtual string? ReadLine() => Console.In.ReadLine();

    /// <summary>Does to the process what one that holds secrets has done: no core dumps, no debugger, files of its owner alone.</summary>
    /// <exception cref="Gateway.Configuration.SettingException">The runtime is told to write crash dumps.</exception>
    public virtual void Harden() => Gateway.Hosting.ProcessHardening.Apply();

    /// <summary>Opens standard output.</summary>
    protected virtual Stream OpenOutput() => Console.OpenStandardOutput();

    /// <summary>The environment.</summary>
    protected virtual string? ReadVariable(string name) => Environment.GetEnvironmentVariable(name);

    [LibraryImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Asked;
        public short Happened;
    }
}
