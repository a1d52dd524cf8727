using System.Security.Cryptography;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The answers of versions outside this process, which take time: the key may change while one is awaited, so the answer is then
/// checked against the key as it is by then.
/// </summary>
internal static class ProviderAnswers
{
    /// <summary>Waits for an answer and, unless it came at once, checks it against the key as it is by then.</summary>
    /// <param name="key">The key.</param>
    /// <param name="operation">The operation, already started.</param>
    /// <param name="require">Throws when the answer may not leave. What it throws also replaces a failure.</param>
    /// <returns>The answer.</returns>
    public static async ValueTask<T> Awaited<T>(KeyActivation key, ValueTask<T> operation, Action<KeyRow> require)
    {
        if (operation.IsCompletedSuccessfully)
        {
            return operation.Result;
        }

        T answer;
        try
        {
            answer = await operation;
        }
        catch (KmsException)
        {
            // An object that the HSM does not find may be of a version destroyed in the meantime.
            require(await key.Load());
            throw;
        }

        try
        {
            require(await key.Load());
            return answer;
        }
        catch
        {
            CryptographicOperations.ZeroMemory(answer as byte[]);
            throw;
        }
    }
}
