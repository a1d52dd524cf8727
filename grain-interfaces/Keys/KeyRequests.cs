namespace OrleansKms;

/// <summary>A command that needs no arguments beyond the key itself.</summary>
/// <param name="Caller">Who asks.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyCommand")]
public sealed record KeyCommand([property: Id(0)] Caller Caller) : ICallerRequest;

/// <summary>A command to one version of a key.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Version">1 or more.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyVersionCommand")]
public sealed record KeyVersionCommand([property: Id(0)] Caller Caller, [property: Id(1)] int Version) : ICallerRequest;

/// <summary>Creates a key. What is null takes its default.</summary>
[GenerateSerializer, Immutable, Alias("okms.CreateKey")]
public sealed record CreateKey : ICallerRequest
{
    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>The key spec.</summary>
    [Id(1)] public string Spec { get; init; } = "AES_256_GCM";
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

    /// <summary>Never the description nor the tags: Orleans writes the messages that it cannot deliver into its log.</summary>
    public override string ToString() => $"{nameof(CreateKey)} {{ Caller = {Caller}, Spec = {Spec}, Protection = {Protection}, Origin = {Origin} }}";
}

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
}

/// <summary>A field of a change: not named, or named with a new value that may be null.</summary>
/// <typeparam name="T">The field's type.</typeparam>
/// <param name="IsSet">Whether the change names the field.</param>
/// <param name="Value">The new value.</param>
[GenerateSerializer, Immutable, Alias("okms.Change`1")]
public readonly record struct Change<T>([property: Id(0)] bool IsSet, [property: Id(1)] T? Value)
    where T : class
{
    /// <summary>Never the value, which may be what is sealed where it is stored.</summary>
    public override string ToString() => IsSet ? "changed" : "as it is";
}

/// <summary>Schedules the end of a key.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="After">How long from now: 24 hours (or the operator's least) to 365 days.</param>
[GenerateSerializer, Immutable, Alias("okms.ScheduleDeletion")]
public sealed record ScheduleDeletion([property: Id(0)] Caller Caller, [property: Id(1)] TimeSpan After) : ICallerRequest;

/// <summary>Whether a key can be used now.</summary>
/// <param name="Valid">
/// Whether the key exists, is enabled, its primary version opens and is enabled, and the HSM answers if it is there.
/// </param>
/// <param name="State">The key's state, or null when it does not exist or does not open.</param>
/// <param name="Error">Why it is not valid: a code of <see cref="KmsError.All"/>, or null.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyValidation")]
public sealed record KeyValidation([property: Id(0)] bool Valid, [property: Id(1)] KeyState? State, [property: Id(2)] string? Error);
