namespace OrleansKms.Gateway.Operations;

/// <summary>Calls of what older silos lack.</summary>
internal static class NewSilos
{
    /// <summary>Calls a silo.</summary>
    /// <param name="call">The call.</param>
    /// <exception cref="KmsException">conflict: no silo has it, or the one that the call went through has not.</exception>
    public static async ValueTask<T> Ask<T>(Func<ValueTask<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            throw KmsError.Conflict.Exception("This can be done once every silo is upgraded; nothing was done.");
        }
    }
}
