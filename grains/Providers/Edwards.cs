using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Providers;

/// <summary>Keys on Edwards curves (PKCS#11 v3.0, 2.3.5), which the library does not name.</summary>
internal static class Edwards
{
    /// <summary>Their type.</summary>
    public const CKK Type = (CKK)0x40;

    /// <summary>The mechanism that makes them.</summary>
    public const CKM Maker = (CKM)0x1055;

    /// <summary>Its name.</summary>
    public const string MakerName = "CKM_EC_EDWARDS_KEY_PAIR_GEN";
}
