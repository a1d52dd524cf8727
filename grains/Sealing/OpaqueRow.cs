using Orleans.Storage;

namespace OrleansKms.Grains.Sealing;

/// <summary>A row as the raw storage sees it.</summary>
internal sealed class OpaqueRow
{
    /// <summary>The sealed bytes.</summary>
    public byte[] Payload { get; set; } = [];
}

/// <summary>Passes the sealed bytes to the raw storage unchanged.</summary>
internal sealed class OpaqueRowSerializer : IGrainStorageSerializer
{
    /// <inheritdoc/>
    public BinaryData Serialize<T>(T? input) => input is OpaqueRow row
        ? new BinaryData(row.Payload)
        : throw new InvalidOperationException("internal error: only sealed rows go to the raw storage.");

    /// <inheritdoc/>
    public T Deserialize<T>(BinaryData input) => (T)(object)new OpaqueRow { Payload = input.ToArray() };
}
