namespace OrleansKms;

/// <summary>Changes the changeable fields of a key; a field that is not set stays as it is.</summary>
[GenerateSerializer, Immutable, Alias("okms.UpdateKey")]
public sealed record UpdateKey : ICallerRequest
{
    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The new description; null clears it.</summary>
    [Id(1)] public Change<string> Description { get; init; }
    /// <summary>The new tags, which replace the old; null clears them.</summary>
    [Id(2)] public Change<IReadOnlyDictionary<string, string>> Tags { get; init; }
    /// <summary>The new rotation plan; null clears it.</summary>
    [Id(3)] public Change<RotationPlan> Rotation { get; init; }
    /// <summary>The minimum version that decrypts: 1 to the primary version; null leaves it. It may fall again.</summary>
    [Id(4)] public int? MinDecryptVersion { get; init; }
    /// <summary>The new limits, which replace the old; null or none clears them.</summary>
    /// <exception cref="KmsException">invalid_parameter: the message's text is malformed.</exception>
    public Change<IReadOnlyList<LimitRule>> Limits
    {
        get => new(LimitsText.IsSet, LimitTexts.Parse(LimitsText.Value));
        init => LimitsText = new(value.IsSet, LimitTexts.Format(value.Value));
    }
    /// <summary>The new rule of dual control; null clears it.</summary>
    [Id(6)] public Change<ApprovalRule> Approval { get; init; }

    /// <summary><see cref="Limits"/> in messages.</summary>
    [Id(5)] internal Change<string> LimitsText { get; init; }

    /// <summary>Omits the limits, which are parsed from a text that may be anything.</summary>
    public override string ToString() =>
        $"{nameof(UpdateKey)} {{ Caller = {Caller}, Description = {Description}, Tags = {Tags}, Rotation = {Rotation}, MinDecryptVersion = {MinDecryptVersion} }}";
}
