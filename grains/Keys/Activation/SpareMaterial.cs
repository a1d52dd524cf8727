using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Providers;

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

    /// <summary>Whether this key's material takes long to make in this process.</summary>
    public bool IsNeeded(KeyRow row) => row.Origin == KeyOrigin.Generated && key.AnswersAtOnce(row) && Algorithm(row) is { IsSlow: true };

    /// <summary>Requires that the next version need not wait for its material.</summary>
    /// <exception cref="MaterialNotReadyException">It must be made first.</exception>
    public void Require(KeyRow row)
    {
        if (_spare is null && IsNeeded(row))
        {
            throw new MaterialNotReadyException();
        }
    }

    /// <summary>
    /// Makes material, if that is needed; all who need it wait for the same. There is none afterwards if the key became unusable meanwhile.
    /// </summary>
    /// <exception cref="KmsException">overloaded.</exception>
    /// <exception cref="ObjectDisposedException">The activation has ended.</exception>
    public async Task Make(KeyRow row)
    {
        var drops = _drops;
        while (_spare is null && drops == _drops && IsNeeded(row))
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var making = _making ??= MakeOnce(row);
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

    /// <summary>Takes what was made for the next version; null where its material is made with it.</summary>
    public GeneratedVersion? Take()
    {
        var spare = _spare;
        _spare = null;
        return spare;
    }

    /// <summary>The key is unusable: zeroes what no version took, also what is being made.</summary>
    public void Drop()
    {
        _drops++;
        Take()?.Dispose();
    }

    /// <summary>The activation has ended: zeroes what no version took, and nothing more is made.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        Drop();
    }

    private static KeyAlgorithm? Algorithm(KeyRow row) => KeyAlgorithms.TryFind(row.Spec, out var algorithm) ? algorithm : null;

    private async Task MakeOnce(KeyRow row)
    {
        var drops = _drops;

        // Nothing of the name is in material of this process.
        var made = await key.Services.Providers.Of(row.Protection).Generate(Algorithm(row)!, new(key.Id, row.Incarnation, row.PrimaryVersion + 1));
        if (drops != _drops)
        {
            made.Dispose();
            return;
        }

        _spare?.Dispose();
        _spare = made;
    }
}

/// <summary>
/// A new version needs material that takes long to make, and nothing was done yet: <see cref="KeyGate"/> has it made outside the turn
/// and runs the operation again.
/// </summary>
internal sealed class MaterialNotReadyException : Exception;
