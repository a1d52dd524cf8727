namespace OrleansKms;

/// <summary>Creates a key. What is null takes its default.</summary>
[GenerateSerializer, Immutable, Alias("okms.CreateKey")]
public sealed record CreateKey : ICallerRequest
{
    /// <summary>The spec of a key whose creator names none.</summary>
    public const string DefaultSpec = "AES_256_GCM";

    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The key spec.</summary>
    [Id(1)] public string Spec { get; init; } = DefaultSpec;
    /// <summary>What the key may be used for; null for the spec's first use.</summary>
    [Id(2)] public KeyUsage? Usage { get; init; }
    /// <summary>A text for people; at most 1,024 characters.</summary>
    [Id(3)] public string? Description { get; init; }
    /// <summary>Up to 50 tags, names 1 to 128 and values up to 256 characters.</summary>
    [Id(4)] public IReadOnlyDictionary<string, string>? Tags { get; init; }
    /// <summary>The rotation plan.</summary>
    [Id(5)] public RotationPlan? Rotation { get; init; }
    /// <summary>Whether the material may leave, wrapped.</summary>
    [Id(6)] public bool Exportable { get; init; }
    /// <summary>Where the material lives.</summary>
    [Id(7)] public KeyProtection Protection { get; init; }
    /// <summary>Where the material comes from.</summary>
    [Id(8)] public KeyOrigin Origin { get; init; }
    /// <summary>How often the key may be used; null for no limits of its own.</summary>
    [Id(9)] public IReadOnlyList<LimitRule>? Limits { get; init; }

    /// <summary>Never the description nor the tags: Orleans writes the messages that it cannot deliver into its log.</summary>
    public override string ToString() => $"{nameof(CreateKey)} {{ Caller = {Caller}, Spec = {Spec}, Protection = {Protection}, Origin = {Origin} }}";
}
