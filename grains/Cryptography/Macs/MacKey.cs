namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>An open key of a MAC. Not thread-safe: it has one owner, a grain, which is single-threaded.</summary>
internal abstract class MacKey : IDisposable
{
    /// <summary>Makes the MAC of a message.</summary>
    /// <param name="message">The message; may be empty.</param>
    /// <param name="mac">Receives the MAC; exactly as long as that.</param>
    public abstract void Compute(ReadOnlySpan<byte> message, Span<byte> mac);

    /// <summary>Erases the key, as far as its library can.</summary>
    public abstract void Dispose();
}
