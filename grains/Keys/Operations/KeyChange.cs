using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// A requested change of a key: its form while it is pending approval, the row it leads to, and how that is written. Every change goes
/// through <see cref="GuardedChange"/>, so that none bypasses the key's rule.
/// </summary>
/// <param name="request">The operation and its arguments.</param>
internal abstract class KeyChange(RequestedOperation request)
{
    /// <summary>The operation and its arguments, as stored.</summary>
    public RequestedOperation Request { get; } = request;

    /// <summary>The operation.</summary>
    public KmsOperation Operation { get; } = KmsOperation.Named(request.Operation);

    /// <summary>Whether an approval only permits it, so that its requester gets the answer; see <see cref="GrantedOperation"/>.</summary>
    public virtual bool IsForTheRequester => false;

    /// <summary>Checks the arguments, and determines what <see cref="Apply"/> needs, such as the time.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public virtual Task Begin(KeyActivation key) => Task.CompletedTask;

    /// <summary>The row that follows. Nothing is written.</summary>
    /// <exception cref="KmsException">The change is not possible in this state.</exception>
    public abstract KeyRow Apply(KeyActivation key, KeyRow row);

    /// <summary>The newest row and the one that follows it.</summary>
    public virtual Task<(KeyRow Row, KeyRow Next)> Prepare(KeyActivation key) => RowChange.Prepare(key, row => Apply(key, row));

    /// <summary>Whether anything changes; a change without effect needs no approval.</summary>
    public virtual bool Changes(KeyRow row, KeyRow next) => next != row;

    /// <summary>Writes the row and completes the change.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">The row before.</param>
    /// <param name="next">The next row.</param>
    /// <param name="caller">The requester.</param>
    /// <param name="reason">An addition for the key's history; null for what the change itself shows.</param>
    public virtual Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null) =>
        RowChange.Commit(key, row, next, caller, Operation.Verb, Request.Version, reason);
}
