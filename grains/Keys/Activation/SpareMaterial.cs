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

    /// <summary>Makes material, if that is needed; all who need it wait for the same.</summary>
    /// <exception cref="KmsException">overloaded.</exception>
    public async Task Make(KeyRow row)
    {
        while (_spare is null && IsNeeded(row))
        {
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

    /// <summary>Zeroes what no version took.</summary>
    public void Dispose() => Take()?.Dispose();

    private static KeyAlgorithm? Algorithm(KeyRow row) => KeyAlgorithms.TryFind(row.Spec, out var algorithm) ? algorithm : null;

    private async Task MakeOnce(KeyRow row)
    {
        // Nothing of the name is in material of this process.
        var made = await key.Services.Providers.Of(row.Protection).Generate(Algorithm(row)!, new(key.Id, row.Incarnation, row.PrimaryVersion + 1));
        _spare?.Dispose();
        _spare = made;
    }
}

/// <summary>
/// A new version needs material that takes long to make, and nothing was done yet: <see cref="KeyGate"/> has it made outside the turn
/// and runs the operation again.
/// </summary>
internal sealed class MaterialNotReadyException : Exception;
