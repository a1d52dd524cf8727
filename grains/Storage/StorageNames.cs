namespace OrleansKms.Grains.Storage;

/// <summary>Names that grains and storage share.</summary>
public static class StorageNames
{
    /// <summary>The keyed <see cref="global::Orleans.Storage.IGrainStorage"/> that seals rows; the only one that grains use.</summary>
    public const string Sealed = "okms";

    /// <summary>The unsealed storage under the sealed one; nothing else may use it.</summary>
    internal const string Raw = "okms.raw";
}
