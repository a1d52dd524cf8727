using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// A change that somebody asks of a key: what it is while it waits for approval, which row follows, and how that is written. Every change
/// goes through <see cref="GuardedChange"/>, so that none passes by the key's rule.
/// </summary>
/// <param name="request">The operation with its arguments.</param>
internal abstract class KeyChange(RequestedOperation request)
{
    /// <summary>The operation with its arguments, as it is kept.</summary>
    public RequestedOperation Request { get; } = request;

    /// <summary>The operation.</summary>
    public KmsOperation Operation { get; } = KmsOperation.Named(request.Operation);

    /// <summary>Checks the arguments, and finds out what <see cref="Apply"/> needs, such as the time.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public virtual Task Begin(KeyActivation key) => Task.CompletedTask;

    /// <summary>The row that follows from another. Nothing is written.</summary>
    /// <exception cref="KmsException">The change is not possible in that state.</exception>
    public abstract KeyRow Apply(KeyActivation key, KeyRow row);

    /// <summary>The newest row and the one that follows.</summary>
    public virtual Task<(KeyRow Row, KeyRow Next)> Prepare(KeyActivation key) => RowChange.Prepare(key, row => Apply(key, row));

    /// <summary>Whether anything is changed; what changes nothing needs nobody's approval.</summary>
    public virtual bool Changes(KeyRow row, KeyRow next) => next != row;

    /// <summary>Writes the row and does what belongs to it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">The row before.</param>
    /// <param name="next">The next row.</param>
    /// <param name="caller">Who asked for it.</param>
    /// <param name="reason">What the key's history says besides; null for what the change itself shows.</param>
    public virtual Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null) =>
        RowChange.Commit(key, row, next, caller, Operation.Verb, Request.Version, reason);
}
