using Orleans.Serialization.Invocation;

namespace OrleansKms;

/// <summary>
/// A call of a method that is an operation: the part before the method itself, common to all. The call's type knows its
/// operation, so nothing of it is sent.
/// </summary>
/// <remarks>It costs a comparison or two and no memory; an Orleans filter, which could do the same, costs both.</remarks>
[SerializerTransparent]
public abstract class OperationRequestBase : RequestBase
{
    [NonSerialized]
    private string? _operation;

    /// <summary>The operation, for filters of the sender.</summary>
    public KmsOperation Operation => KmsOperation.Named(_operation ?? "");

    /// <summary>How long the sender waits for the answer; null for the default.</summary>
    [field: NonSerialized]
    public TimeSpan? ResponseTimeout { get; set; }

    /// <inheritdoc/>
    public override TimeSpan? GetDefaultResponseTimeout() => ResponseTimeout;

    /// <summary>Called by the generated constructor.</summary>
    /// <param name="name">The name in <see cref="OperationAttribute"/>.</param>
    protected void SetOperation(string name) => _operation = name;

    /// <summary>Refuses a message without a caller.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    private protected void RequireCaller()
    {
        if (GetArgument(0) is not ICallerRequest { Caller: { Principal: not null, Source: not null, RequestId: not null } })
        {
            throw Refused();
        }
    }

    private KmsException Refused()
    {
        (GetTarget() as IMayBeAbsent)?.EndIfAbsent();
        return KmsError.InvalidRequest.Exception("The message names no caller.");
    }
}

/// <summary>The base of generated calls to methods that return <see cref="ValueTask{TResult}"/>.</summary>
/// <typeparam name="TResult">The answer.</typeparam>
[SerializerTransparent]
public abstract class OperationRequest<TResult> : OperationRequestBase
{
    /// <inheritdoc/>
    public sealed override ValueTask<Response> Invoke()
    {
        try
        {
            RequireCaller();
            var answer = InvokeInner();
            return answer.IsCompleted ? new(Response.FromResult(answer.Result)) : Completed(answer);
        }
        catch (Exception e)
        {
            return new(Response.FromException(e));
        }
    }

    /// <summary>Calls the method.</summary>
    protected abstract ValueTask<TResult> InvokeInner();

    private static async ValueTask<Response> Completed(ValueTask<TResult> answer)
    {
        try
        {
            return Response.FromResult(await answer);
        }
        catch (Exception e)
        {
            return Response.FromException(e);
        }
    }
}

/// <summary>The base of generated calls to methods that return <see cref="Task{TResult}"/>.</summary>
/// <typeparam name="TResult">The answer.</typeparam>
[SerializerTransparent]
public abstract class OperationTaskRequest<TResult> : OperationRequestBase
{
    /// <inheritdoc/>
    public sealed override async ValueTask<Response> Invoke()
    {
        try
        {
            RequireCaller();
            return Response.FromResult(await InvokeInner());
        }
        catch (Exception e)
        {
            return Response.FromException(e);
        }
    }

    /// <summary>Calls the method.</summary>
    protected abstract Task<TResult> InvokeInner();
}

/// <summary>The base of generated calls to methods that return <see cref="Task"/>.</summary>
[SerializerTransparent]
public abstract class OperationTaskRequest : OperationRequestBase
{
    /// <inheritdoc/>
    public sealed override async ValueTask<Response> Invoke()
    {
        try
        {
            RequireCaller();
            await InvokeInner();
            return Response.Completed;
        }
        catch (Exception e)
        {
            return Response.FromException(e);
        }
    }

    /// <summary>Calls the method.</summary>
    protected abstract Task InvokeInner();
}
