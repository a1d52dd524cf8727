using System.Collections.ObjectModel;

namespace OrleansKms.Gateway.Json;

/// <summary>
/// The items of a batch, which are counted while they are read: the shortest are <c>{}</c>, and a body full of them would become objects of
/// forty times its length before anybody looked at their number.
/// </summary>
internal sealed class BatchOf<T> : Collection<T>
{
    /// <inheritdoc/>
    /// <exception cref="KmsException">invalid_request: there are too many.</exception>
    protected override void InsertItem(int index, T item)
    {
        if (Count == KmsLimits.BatchItems) throw KmsError.InvalidRequest.Exception($"A batch must have 1 to {KmsLimits.BatchItems} items.");
        base.InsertItem(index, item);
    }
}
