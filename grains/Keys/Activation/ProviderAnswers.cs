using System.Security.Cryptography;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The answers of versions that are not in this process, and take their time: while one is awaited the key may change, so its answer
/// is held against the key as it is by then.
/// </summary>
internal static class ProviderAnswers
{
    /// <summary>Waits for an answer and, where it did not come at once, holds it against the key as it is by then.</summary>
    /// <param name="key">The key.</param>
    /// <param name="operation">The operation, begun.</param>
    /// <param name="require">Throws when the answer may not leave. What it throws also takes the place of a failure.</param>
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
            // An object that the HSM does not find may be one of a version that was destroyed meanwhile.
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
