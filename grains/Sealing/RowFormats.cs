using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// The formats of rows. A program reads every format that its newest feature level knows; a newer format is, to it, a row that
/// does not open. So a format is written only once the cluster's level says that every silo reads it.
/// </summary>
internal static class RowFormats
{
    /// <summary>The content is sealed as it is.</summary>
    public const byte First = 1;

    /// <summary>The content says how it is encoded (<see cref="ContentEncoding"/>).</summary>
    public const byte Encoded = 2;

    /// <summary>The newest format that this program reads.</summary>
    public const byte Newest = FeatureLevel.Max >= 2 ? Encoded : First;

    /// <summary>The format to write at a feature level of the cluster.</summary>
    public static byte At(int featureLevel) => featureLevel >= 2 ? Encoded : First;
}
