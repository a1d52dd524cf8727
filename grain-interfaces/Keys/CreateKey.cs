namespace OrleansKms;

/// <summary>Creates a key. Null means the default.</summary>
[GenerateSerializer, Immutable, Alias("okms.CreateKey")]
public sealed record CreateKey : ICallerRequest
{
    /// <summary>The spec of a key whose creator names none.</summary>
    public const string DefaultSpec = "AES_256_GCM";

    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The key spec.</summary>
    [Id(1)] public string Spec { get; init; } = DefaultSpec;
    /// <summary>What the key may be used for; null for the spec's default usage.</summary>
    [Id(2)] public KeyUsage? Usage { get; init; }
    /// <summary>Free text of at most <see cref="KmsLimits.DescriptionLength"/> characters.</summary>
    [Id(3)] public string? Description { get; init; }
    /// <summary>
    /// Up to <see cref="KmsLimits.Tags"/> tags; see <see cref="KmsLimits.TagNameLength"/> and
    /// <see cref="KmsLimits.TagValueLength"/>.
    /// </summary>
    [Id(4)] public IReadOnlyDictionary<string, string>? Tags { get; init; }
    /// <summary>The rotation plan.</summary>
    [Id(5)] public RotationPlan? Rotation { get; init; }
    /// <summary>Whether the material may be exported, wrapped.</summary>
    [Id(6)] public bool Exportable { get; init; }
    /// <summary>Where the material lives.</summary>
    [Id(7)] public KeyProtection Protection { get; init; }
    /// <summary>Where the material comes from.</summary>
    [Id(8)] public KeyOrigin Origin { get; init; }
    /// <summary>The key's own usage limits; null for none.</summary>
    /// <exception cref="KmsException">invalid_parameter: the message's text is malformed.</exception>
    public IReadOnlyList<LimitRule>? Limits
    {
        get => LimitTexts.Parse(LimitsText);
        init => LimitsText = LimitTexts.Format(value);
    }
    /// <summary>Dual control; null for none.</summary>
    [Id(10)] public ApprovalRule? Approval { get; init; }

    /// <summary>
    /// How long the caller waits. A key that takes long to make (RSA, SLH-DSA) is not created after that: the error is then
    /// <c>timeout</c>, and nothing is left behind. Null for the default time-out of a request.
    /// </summary>
    [Id(11)] public TimeSpan? Within { get; init; }

    /// <summary><see cref="Limits"/> in messages.</summary>
    [Id(9)] internal string? LimitsText { get; init; }

    /// <summary>Omits the description and the tags: Orleans logs messages that it cannot deliver.</summary>
    public override string ToString() => $"{nameof(CreateKey)} {{ Caller = {Caller}, Spec = {Spec}, Protection = {Protection}, Origin = {Origin} }}";
}
