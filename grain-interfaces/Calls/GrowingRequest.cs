namespace OrleansKms;

/// <summary>
/// The base of generated calls to <see cref="IKeyGrain.Create"/> and <see cref="IKeyGrain.Update"/>. Where the message has limits or a rule
/// of dual control, the sender calls the newer method instead, whoever it is: a gateway, a silo or a .NET service.
/// </summary>
/// <typeparam name="TResult">The answer.</typeparam>
[SerializerTransparent]
public abstract class GrowingRequest<TResult> : OperationTaskRequest<TResult>, IOutgoingGrainCallFilter
{
    /// <inheritdoc/>
    async Task IOutgoingGrainCallFilter.Invoke(IOutgoingGrainCallContext context)
    {
        Func<IKeyApprovalsGrain, Task<KeyDescription>>? newer = GetArgument(0) switch
        {
            CreateKey create when create.LimitsText is not (null or "") || create.Approval is not null => grain => grain.Create(create),
            UpdateKey update when update.LimitsText.IsSet || update.Approval.IsSet => grain => grain.Update(update),
            _ => null,
        };
        if (newer is null)
        {
            await context.Invoke();
            return;
        }

        try
        {
            context.Result = await newer(((IAddressable)context.Grain).AsReference<IKeyApprovalsGrain>());
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            // No silo has it, or the one that the call went through has not.
            throw KmsError.Conflict.Exception("Keys can have limits and dual control once every silo is upgraded; nothing was done.");
        }
    }
}
