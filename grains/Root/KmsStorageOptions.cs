using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>Where the rows, the KEK ring and the root key are.</summary>
public sealed record KmsStorageOptions : DatabaseOptions
{
    /// <summary>The HSM with the root key; null for a root key in a file.</summary>
    public HsmOptions? Hsm { get; init; }

    /// <summary>How overtaken activations are found. Has no effect with the embedded database, which has one user.</summary>
    public FenceOptions Fence { get; init; } = new();

    /// <inheritdoc/>
    internal override void Validate()
    {
        base.Validate();
        Fence.Validate();
    }

    /// <summary>Omits the connection string, which may hold a password.</summary>
    public override string ToString() => base.ToString();
}
