using System.CommandLine;
using System.Text.Json;

namespace OrleansKms.Silo.Verbs;

/// <summary>One run of a verb: its arguments, its output, and the service, which is connected to with the first call.</summary>
internal sealed class VerbRun : IDisposable
{
    private readonly ParseResult _call;
    private ServiceClient? _service;
    private bool _hasChanged;

    private VerbRun(VerbContext context, ParseResult call, CancellationToken cancellation)
    {
        (Context, _call, Cancellation) = (context, call, cancellation);
        Output = new(context);
    }

    /// <summary>The process.</summary>
    public VerbContext Context { get; }

    /// <summary>Ends the run.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Standard output.</summary>
    public VerbOutput Output { get; }

    /// <summary>Whether answers are printed as the service gave them.</summary>
    public bool IsJson => _call.GetValue(Context.Options.Json);

    /// <summary>The service.</summary>
    /// <exception cref="VerbException">A setting of the connection is wrong.</exception>
    public ServiceClient Service => _service ??= new(ServiceConnection.Read(Context, _call), Context.Time);

    /// <summary>Runs a verb, and turns a failure into one line on standard error.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> Run(VerbContext context, ParseResult call, Func<VerbRun, Task<int>> action, CancellationToken cancellation)
    {
        context.Harden();
        using var run = new VerbRun(context, call, cancellation);
        try
        {
            var code = await action(run);
            await context.Output.FlushAsync(cancellation);
            return code;
        }
        catch (VerbException e)
        {
            await context.Error.WriteLineAsync(e.Line);
            return e.ExitCode == ExitCode.Usage ? run.CodeOfUsage : e.ExitCode;
        }
        catch (JsonException)
        {
            await context.Error.WriteLineAsync("okms: not_okms: The answer is not JSON as this service gives it. Check OKMS_URL or --url.");
            return ExitCode.Unreachable;
        }
        catch (IOException e)
        {
            await context.Error.WriteLineAsync(TerminalText.Clean($"okms: io: Reading or writing failed: {e.Message}"));
            return run.CodeOfUsage;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Its type and place, and not its message, which could hold what was given.
            await context.Error.WriteLineAsync($"okms: defect: {e.GetType().Name} in {e.TargetSite?.DeclaringType?.Name}.{e.TargetSite?.Name}. Please report it with the version of okms.");
            return ExitCode.Defect;
        }
    }

    // Nothing was changed, unless something was before this went wrong.
    private int CodeOfUsage => _hasChanged || Context.Output.HasBegun ? ExitCode.Part : ExitCode.Usage;

    /// <summary>The value of an option; the type's default where it is not given.</summary>
    public T? Get<T>(Option<T> option) => _call.GetValue(option);

    /// <summary>The value of an argument.</summary>
    public T? Get<T>(Argument<T> argument) => _call.GetValue(argument);

    /// <summary>The value of a required argument.</summary>
    public T Require<T>(Argument<T> argument) => _call.GetRequiredValue(argument);

    /// <summary>Sends a call.</summary>
    /// <exception cref="VerbException">It was not answered well.</exception>
    public async Task<ServiceAnswer> Ask(ServiceCall call)
    {
        var answer = await Service.Send(call, Cancellation);
        _hasChanged |= !call.MayRepeat && !answer.IsPending;
        return answer;
    }

    /// <summary>Sends a call and prints the answer.</summary>
    /// <param name="call">The call.</param>
    /// <param name="print">Prints it for people. With <c>--json</c>, the answer itself is printed instead.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> Answer(ServiceCall call, Func<JsonElement, Task> print)
    {
        var answer = await Ask(call);
        if (await Pending(answer)) return ExitCode.Pending;
        if (IsJson) await Output.Json(answer.Body);
        else await print(answer.Json);
        return ExitCode.Done;
    }

    /// <summary>Sends a call and says in a line what was done.</summary>
    public Task<int> Answer(ServiceCall call, Func<JsonElement, string> said) => Answer(call, json => Output.Line(said(json)));

    /// <summary>Says that nothing was done yet, if the answer is an approval that is waited for.</summary>
    public async Task<bool> Pending(ServiceAnswer answer)
    {
        if (!answer.IsPending) return false;
        if (IsJson) await Output.Json(answer.Body);
        var (id, required) = (answer.Json.Text("approval_id"), answer.Json.Text("required"));
        await Say($"okms: approval_pending: Nothing was done yet: {answer.Json.Text("operation")} of {answer.Json.Text("key_id")} waits for {required} to approve. "
            + $"Others approve with: okms approval approve {id}");
        return true;
    }

    /// <summary>Tells people something that is not the output.</summary>
    public Task Say(string text) => Context.Error.WriteLineAsync(TerminalText.Clean(text));

    /// <inheritdoc/>
    public void Dispose() => _service?.Dispose();
}
