using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Silo.Commands;
using OrleansKms.Silo.Verbs;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>What a verb printed, and its exit code.</summary>
internal sealed record VerbResult(int Code, byte[] Bytes, string Errors)
{
    public string Output => Encoding.UTF8.GetString(Bytes);

    public JsonNode Json => JsonNode.Parse(Bytes)!;

    /// <summary>The output without its line break.</summary>
    public string Line => Output.TrimEnd('\n');

    public VerbResult Is(int code)
    {
        Assert.True(code == Code, $"exit code {Code}\n{Output}\n{Errors}");
        return this;
    }

    /// <summary>The error, which is one line on standard error and nothing on standard output.</summary>
    public string Fails(int code)
    {
        Is(code);
        Assert.Equal("", Output);
        var line = Assert.Single(Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain(line, char.IsControl);
        return line;
    }
}

/// <summary>Runs verbs in this process, as a shell runs the program: with streams, an environment and a directory of their own.</summary>
internal sealed class VerbShell(string directory, params (string Name, string? Value)[] variables)
{
    /// <summary>Whether standard input, output and error are a terminal.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>What somebody types there.</summary>
    public string? Typed { get; init; }

    /// <summary>Whether nothing can be written to standard output.</summary>
    public bool OutputFails { get; init; }

    /// <summary>Whether the process was told to keep its secrets to itself.</summary>
    public bool IsHardened { get; private set; }

    /// <summary>Runs a verb.</summary>
    public Task<VerbResult> Run(params string[] arguments) => Run(arguments, []);

    /// <summary>Runs a verb with an input.</summary>
    public async Task<VerbResult> Run(string[] arguments, byte[] input)
    {
        var context = new Context(this, directory, variables.ToDictionary(v => v.Name, v => v.Value), input);
        var root = OkmsCommand.Make(arguments, context);
        try
        {
            using var library = new StringWriter();
            var code = await CommandLine.Parse(root, arguments).InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = library, Error = library });
            return new(code, [.. context.Written.ToArray(), .. Encoding.UTF8.GetBytes(library.ToString())], context.Said.ToString());
        }
        catch (UsageException e)
        {
            return new(StartGuard.Refused, [], e.Message + "\n");
        }
    }

    private sealed class Context(VerbShell shell, string directory, Dictionary<string, string?> variables, byte[] input) : VerbContext
    {
        public MemoryStream Written { get; } = new();

        public StringWriter Said { get; } = new() { NewLine = "\n" };

        public override TimeProvider Time { get; } = new NoPauses();

        public override string Directory => directory;

        public override Stream Input { get; } = new MemoryStream(input);

        public override TextWriter Error => Said;

        public override bool InputIsTerminal => shell.IsTerminal;

        public override bool OutputIsTerminal => shell.IsTerminal;

        public override bool ErrorIsTerminal => shell.IsTerminal;

        public override bool OutputIsClosed => false;

        public override string? ReadLine() => shell.Typed;

        public override void Harden() => shell.IsHardened = true;

        protected override Stream OpenOutput() => shell.OutputFails ? new FullDisk() : Written;

        protected override string? ReadVariable(string name) => variables.GetValueOrDefault(name);
    }

    private sealed class FullDisk : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("No space left on device");
    }

    /// <summary>A pause between attempts is over at once.</summary>
    private sealed class NoPauses : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.Zero, period);
    }
}
