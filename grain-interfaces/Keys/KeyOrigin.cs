namespace OrleansKms;

/// <summary>Where a key's material comes from.</summary>
[GenerateSerializer, Alias("okms.KeyOrigin")]
public enum KeyOrigin
{
    /// <summary>Made by this service.</summary>
    Generated = 0,
    /// <summary>Imported by its owner.</summary>
    External = 1,
}
