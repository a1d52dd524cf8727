using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Material of a spec that takes long to make. It is made before the turn in which a version takes it, so that the key goes on
/// meanwhile, and can be disabled. Material that no version took serves the next one.
/// </summary>
internal sealed class SpareMaterial(KeyActivation key) : IDisposable
{
    private GeneratedVersion? _spare;
    private Task? _making;
    private int _drops;
    private bool _isDisposed;

    /// <summary>Whether this key's material takes long to make.</summary>
    public bool IsNeeded(KeyRow row) => row.Origin == KeyOrigin.Generated && Algorithm(row) is { } algorithm
        && key.Services.Providers.Find(row.Protection)?.IsSlow(algorithm) == true;

    /// <summary>Requires that the next version need not wait for its material.</summary>
    /// <param name="row">The key.</param>
    /// <param name="number">The version's number.</param>
    /// <exception cref="MaterialNotReadyException">It must be made first.</exception>
    public void Require(KeyRow row, int number)
    {
        if (IsNeeded(row) && !Fits(row, number))
        {
            throw new MaterialNotReadyException();
        }
    }

    /// <summary>
    /// Makes material, if that is needed; all who need it wait for the same. There is none afterwards if the key became unusable meanwhile.
    /// </summary>
    /// <exception cref="KmsException">overloaded, hsm_unavailable; conflict: there is no number for another version yet.</exception>
    /// <exception cref="ObjectDisposedException">The activation has ended.</exception>
    public async Task Make(KeyRow row)
    {
        if (!IsNeeded(row))
        {
            return;
        }

        var number = VersionNumbers.Next(row.Versions[^1].Version, key.Services.Epoch, key.Now);
        var drops = _drops;

        // Once the row has changed, the next version may have another number: whoever needs it looks again.
        while (!Fits(row, number) && drops == _drops && ReferenceEquals(row, key.Slot.Row))
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var making = _making ??= MakeOnce(row, number);
            try
            {
                await making;
            }
            finally
            {
                if (_making == making)
                {
                    _making = null;
                }
            }
        }
    }

    /// <summary>Takes what was made for a version; null where its material is made with it.</summary>
    /// <param name="row">The key.</param>
    /// <param name="number">The version's number.</param>
    public GeneratedVersion? Take(KeyRow row, int number) => Fits(row, number) ? Take() : null;

    /// <summary>The key is unusable: what no version took is zeroed or destroyed, also what is being made.</summary>
    public void Drop()
    {
        _drops++;
        Take()?.Abandon();
    }

    /// <summary>The activation has ended: what no version took is zeroed or destroyed, and nothing more is made.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        Drop();
    }

    private static KeyAlgorithm? Algorithm(KeyRow row) => KeyAlgorithms.TryFind(row.Spec, out var algorithm) ? algorithm : null;

    private async Task MakeOnce(KeyRow row, int number)
    {
        var drops = _drops;
        var made = await key.Services.Providers.Of(row.Protection).Generate(Algorithm(row)!, row.Usage, new(key.Id, row.Incarnation, number));
        if (drops != _drops)
        {
            made.Abandon();
            return;
        }

        Take()?.Abandon();
        _spare = made;
    }

    /// <summary>Whether what was made serves a version: in a provider of its own, material has the version's name.</summary>
    private bool Fits(KeyRow row, int number) => _spare is { } spare && (spare.For is null || spare.For == new KeyVersionName(key.Id, row.Incarnation, number));

    private GeneratedVersion? Take()
    {
        var spare = _spare;
        _spare = null;
        return spare;
    }
}

/// <summary>
/// A new version needs material that takes long to make, and nothing was done yet: <see cref="KeyGate"/> has it made outside the turn
/// and runs the operation again.
/// </summary>
internal sealed class MaterialNotReadyException : Exception;
