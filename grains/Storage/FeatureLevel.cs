namespace OrleansKms.Grains.Storage;

/// <summary>The feature levels that this program can run at; <c>FeatureLevels</c> says what each brings.</summary>
internal static class FeatureLevel
{
    /// <summary>The oldest.</summary>
    public const int Min = 1;

    /// <summary>The newest.</summary>
#if OKMS_FEATURE_LEVEL_1
    public const int Max = 1;
#else
    public const int Max = 6;
#endif
}
