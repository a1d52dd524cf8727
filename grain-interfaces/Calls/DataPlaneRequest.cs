namespace OrleansKms;

/// <summary>
/// A call of a method that is marked <see cref="DataPlaneAttribute"/>, as filters of the sender see it. The mark is part of the
/// call's type, so that nothing is looked up and nothing of it is sent.
/// </summary>
public interface IDataPlaneRequest
{
    /// <summary>How long the sender waits for the answer; null for as long as it waits for every call.</summary>
    TimeSpan? ResponseTimeout { get; set; }
}

/// <summary>What the calls of methods that return <see cref="ValueTask{TResult}"/> are generated from.</summary>
/// <typeparam name="TResult">The answer.</typeparam>
[SerializerTransparent]
public abstract class DataPlaneRequest<TResult> : Request<TResult>, IDataPlaneRequest
{
    /// <inheritdoc/>
    [field: NonSerialized]
    public TimeSpan? ResponseTimeout { get; set; }

    /// <inheritdoc/>
    public override TimeSpan? GetDefaultResponseTimeout() => ResponseTimeout;
}

/// <summary>What the calls of methods that return <see cref="Task{TResult}"/> are generated from.</summary>
/// <typeparam name="TResult">The answer.</typeparam>
[SerializerTransparent]
public abstract class DataPlaneTaskRequest<TResult> : TaskRequest<TResult>, IDataPlaneRequest
{
    /// <inheritdoc/>
    [field: NonSerialized]
    public TimeSpan? ResponseTimeout { get; set; }

    /// <inheritdoc/>
    public override TimeSpan? GetDefaultResponseTimeout() => ResponseTimeout;
}
