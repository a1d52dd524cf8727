using System.Net;
using Microsoft.AspNetCore.Connections;

namespace OrleansKms.Silo.Clustering;

/// <summary>
/// Replaces Orleans' listeners for the silo and client ports, and opens none: a silo that runs alone has no peers, and anyone who
/// could connect to such a port without a certificate would have full authority over every key.
/// </summary>
internal sealed class NoListener : IConnectionListenerFactory, IConnectionListener
{
    private readonly TaskCompletionSource<ConnectionContext?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NoListener(EndPoint endPoint) => EndPoint = endPoint;

    /// <summary>A factory of listeners that nobody can reach.</summary>
    public static IConnectionListenerFactory Factory { get; } = new NoListener(new IPEndPoint(IPAddress.None, 0));

    /// <inheritdoc/>
    public EndPoint EndPoint { get; }

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new NoListener(endpoint));

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _closed.Task.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _closed.TrySetResult(null);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => UnbindAsync();
}
