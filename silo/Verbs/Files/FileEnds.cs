using OrleansKms.Files;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>Where a verb for files reads and writes. What goes wrong with either is the caller's to mend, in one line.</summary>
internal sealed class FileEnds : IDisposable
{
    /// <summary>What an encrypted file is called if nobody names it: the file's name and this.</summary>
    public const string Extension = ".okms";

    private const string Standard = "-";

    private readonly VerbContext _context;
    private readonly string? _path;
    private readonly bool _replaces;
    private WholeOutput? _output;

    private FileEnds(VerbContext context, Stream input, string? path, bool replaces)
    {
        (_context, Input, _path, _replaces) = (context, input, path, replaces);
        Length = input is FileStream { CanSeek: true } file ? file.Length : null;
    }

    /// <summary>The input.</summary>
    public Stream Input { get; }

    /// <summary>Its length; null where only its end will tell.</summary>
    public long? Length { get; }

    /// <summary>The output's name; null for standard output.</summary>
    public string? Name => _path;

    /// <summary>Opens the input and checks the output, before anything is asked of a service.</summary>
    /// <param name="context">The process.</param>
    /// <param name="input">A file; null or <c>-</c> for standard input.</param>
    /// <param name="output">A file; <c>-</c> for standard output; null for what follows from the input.</param>
    /// <param name="replaces">Whether the output may replace a file.</param>
    /// <param name="nameFor">Names the output of an input that is a file.</param>
    /// <exception cref="VerbException">One of them cannot be used.</exception>
    public static FileEnds Open(VerbContext context, string? input, string? output, bool replaces, Func<string, string> nameFor)
    {
        var isStandard = input is null or Standard;
        var name = output ?? (isStandard ? Standard : nameFor(input!));
        return Try(name, () =>
        {
            var path = name == Standard ? null : context.PathOf(name);
            if (path is not null) WholeOutput.Check(path, replaces);
            return new FileEnds(context, isStandard ? VerbInput.OpenInput(context) : OpenInput(context, input!), path, replaces);
        });
    }

    /// <summary>Begins the output.</summary>
    /// <exception cref="VerbException">It cannot be written.</exception>
    public Stream Begin()
    {
        var output = _path is null ? _context.Output : Try(_path, () => _output = WholeOutput.Create(_path, _replaces)).Stream;
        MappedFiles.LetGo();
        return output;
    }

    /// <summary>Ends it: everything of it is right, so a file gets its name.</summary>
    /// <exception cref="VerbException">It cannot be written.</exception>
    public void Commit()
    {
        if (_output is null) _context.Output.Flush();
        else
        {
            Try(_path!, () =>
            {
                _output.Commit();
                return true;
            });
        }

        MappedFiles.LetGo();
    }

    /// <summary>Tells a bar how far it is, and stops where nobody reads the output any more.</summary>
    /// <exception cref="VerbException">The reader of standard output has gone.</exception>
    public Action<long> Progress(ProgressBar bar) => done =>
    {
        bar.Show(done);
        if (_path is null && _context.OutputIsClosed) throw new VerbException("output_closed", "Nobody reads the output any more.", ExitCode.Part);
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        Input.Dispose();
        _output?.Dispose();
    }

    private static FileStream OpenInput(VerbContext context, string path)
    {
        try
        {
            return new FileStream(context.PathOf(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerbException.Usage($"The file {path} cannot be read: {ServiceConnection.Reason(e)}.", inner: e);
        }
    }

    private static T Try<T>(string output, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (UnauthorizedAccessException e)
        {
            throw VerbException.Usage($"The file {output} cannot be written: {ServiceConnection.Reason(e)}.", inner: e);
        }
        catch (IOException e)
        {
            throw VerbException.Usage(e.Message, inner: e);
        }
    }
}
