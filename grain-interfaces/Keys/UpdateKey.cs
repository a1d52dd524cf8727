namespace OrleansKms;

/// <summary>Changes what may be changed of a key; what is not set stays.</summary>
[GenerateSerializer, Immutable, Alias("okms.UpdateKey")]
public sealed record UpdateKey : ICallerRequest
{
    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The new description; null clears it.</summary>
    [Id(1)] public Change<string> Description { get; init; }
    /// <summary>The new tags, which replace the old; null clears them.</summary>
    [Id(2)] public Change<IReadOnlyDictionary<string, string>> Tags { get; init; }
    /// <summary>The new rotation plan; null clears it.</summary>
    [Id(3)] public Change<RotationPlan> Rotation { get; init; }
    /// <summary>The least version that decrypts: 1 to the primary version; null leaves it. It may fall again.</summary>
    [Id(4)] public int? MinDecryptVersion { get; init; }
    /// <summary>The new limits, which replace the old; null or none clears them.</summary>
    [Id(5)] public Change<IReadOnlyList<LimitRule>> Limits { get; init; }
}
