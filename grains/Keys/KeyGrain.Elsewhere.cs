using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Orleans.Serialization.Invocation;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys;

// Operations that are done elsewhere, and take their time. While one is awaited the key may change, so its answer is held against
// the key as it is by then.
public sealed partial class KeyGrain
{
    /// <summary>
    /// Whether a call may begin while others are under way. Not where everything is answered at once; otherwise what must not
    /// interleave takes its turn in here.
    /// </summary>
    /// <param name="request">The call.</param>
    [SuppressMessage("Style", "IDE0060", Justification = "Orleans calls it so.")]
    public bool MayInterleave(IInvokable request) => _slot.Row is { } row && !AnswersAtOnce(row);

    private bool AnswersAtOnce(KeyRow row) => _providers.Find(row.Protection) is not { AnswersAtOnce: false };

    /// <summary>As <see cref="Guarded"/>, for what must not interleave with its like.</summary>
    private Task<T> InTurn<T>(Func<Task<T>> operation, bool isRepeatable = false) => Guarded(async () =>
    {
        using (await _turns.Begin())
        {
            return await operation();
        }
    }, isRepeatable);

    /// <summary>Runs the items of a batch from one on in order, or as many side by side as the key's provider does.</summary>
    private async Task SideBySide(KeyRow row, int first, int items, Func<int, Task> run)
    {
        var next = first;
        var lanes = Math.Min(items - first, _providers.Find(row.Protection)?.Parallelism ?? 1);
        if (lanes <= 1)
        {
            await Lane();
        }
        else
        {
            await Task.WhenAll(Enumerable.Range(0, lanes).Select(_ => Lane()));
        }

        async Task Lane()
        {
            while (next < items)
            {
                await run(next++);
            }
        }
    }

    /// <summary>Waits for an answer and, where it did not come at once, holds it against the key as it is by then.</summary>
    /// <param name="operation">The operation, begun.</param>
    /// <param name="require">Throws when the answer may not leave. What it throws also takes the place of a failure.</param>
    /// <returns>The answer.</returns>
    private async ValueTask<T> WhenAnswered<T>(ValueTask<T> operation, Action<KeyRow> require)
    {
        if (operation.IsCompletedSuccessfully)
        {
            return operation.Result;
        }

        var answer = default(T);
        try
        {
            answer = await operation;
        }
        catch (KmsException)
        {
            // An object that the HSM does not find may be one of a version that was destroyed meanwhile.
            require(await Load());
            throw;
        }

        try
        {
            require(await Load());
            return answer;
        }
        catch
        {
            CryptographicOperations.ZeroMemory(answer as byte[]);
            throw;
        }
    }
}
