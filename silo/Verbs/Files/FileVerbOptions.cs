using System.CommandLine;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>What both verbs for files take: an input, an output, and associated data.</summary>
internal sealed class FileVerbOptions
{
    /// <summary>Makes them.</summary>
    /// <param name="file">What the input is, with its article.</param>
    /// <param name="aad">What the associated data is for.</param>
    /// <param name="output">What the output is.</param>
    /// <param name="name">What it is called by default.</param>
    public FileVerbOptions(string file, string aad, string output, string name)
    {
        File = new("FILE") { Arity = ArgumentArity.ZeroOrOne, Description = $"{file}, or - for standard input." };
        Aad = Verb.Text("--aad", "VALUE", $"{aad} ({VerbInput.Forms}).");
        Output = Verb.Text("--out", "FILE", $"{output}, or - for standard output. By default {name}.");
    }

    /// <summary>The input.</summary>
    public Argument<string?> File { get; }

    /// <summary>Associated data of the file.</summary>
    public Option<string?> Aad { get; }

    /// <summary>The output.</summary>
    public Option<string?> Output { get; }

    /// <summary>Whether the output replaces a file.</summary>
    public Option<bool> Force { get; } = Verb.Switch("--force", "Replaces the output if it exists.");

    /// <summary>Opens the input and checks the output, before anything is asked of a service.</summary>
    /// <param name="run">The run.</param>
    /// <param name="nameFor">Names the output of an input that is a file.</param>
    /// <exception cref="VerbException">One of them cannot be used.</exception>
    public FileEnds Open(VerbRun run, Func<string, string> nameFor)
    {
        var ends = FileEnds.Open(run.Context, run.Get(File), run.Get(Output), run.Get(Force), nameFor);
        if (ends.Name is not null || !run.IsJson) return ends;
        ends.Dispose();
        throw VerbException.Usage("With --json, the content cannot go to standard output too.", "Name a file with --out FILE.");
    }
}
