namespace OrleansKms;

/// <summary>Where a key's material lives while it is used.</summary>
[GenerateSerializer, Alias("okms.KeyProtection")]
public enum KeyProtection
{
    /// <summary>In the silo's memory.</summary>
    Software = 0,
    /// <summary>In the HSM, which it never leaves.</summary>
    Hsm = 1,
}
