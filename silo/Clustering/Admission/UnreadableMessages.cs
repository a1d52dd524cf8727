using Orleans.Configuration;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Stands where Orleans logs its connections. A message with unreadable arguments costs Orleans an error with a stack trace, and
/// it continues with the next: any client could fill the log. None of our clients sends such a message, so on a client's
/// connection it ends that connection instead, and one warning names the client. Between silos it is logged as usual.
/// </summary>
/// <typeparam name="T">Orleans' connection.</typeparam>
internal sealed class UnreadableMessages<T>(ILoggerFactory loggers) : ILogger<T>
{
    private const string Unreadable = "LogErrorExceptionReadingMessage";

    private readonly ILogger _log = loggers.CreateLogger<T>();

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => _log.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => _log.IsEnabled(logLevel);

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        // Logged by the flow that reads the connection, in the middle of reading.
        if (eventId.Name == Unreadable && AdmittedReader.OfThisFlow is { } reader)
        {
            if (!RefusedCall.IsCauseOf(exception)) reader.GiveUp(exception);
        }
        else _log.Log(logLevel, eventId, state, exception, formatter);
    }
}

/// <summary>Installs it.</summary>
internal static class UnreadableMessages
{
    private const string Connection = "Orleans.Runtime.Messaging.Connection";

    /// <summary>The type is internal to Orleans.</summary>
    /// <exception cref="InvalidOperationException">Orleans has changed there.</exception>
    public static void AddUnreadableMessages(this IServiceCollection services)
    {
        var connection = typeof(ConnectionOptions).Assembly.GetType(Connection)
            ?? throw new InvalidOperationException("Internal error: Orleans' connections are of a type that is not known.");
        services.AddSingleton(typeof(ILogger<>).MakeGenericType(connection), typeof(UnreadableMessages<>).MakeGenericType(connection));
    }
}
