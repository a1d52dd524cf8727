using System.Net;

namespace OrleansKms;

/// <summary>What conditions of policies look at. What is not known yet leaves open only what depends on it.</summary>
internal readonly struct AccessContext
{
    /// <summary>The time, UTC.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Where the call came from; null where that is no address, which lies in no network.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Who asks; only a key's own policy looks at that.</summary>
    public string? Principal { get; init; }

    /// <summary>Whether <see cref="AssociatedData"/> and <see cref="Kind"/> are known; a body that was not read yet may still tell.</summary>
    public bool HasMessage { get; init; }

    /// <summary>The associated data; null for none.</summary>
    public byte[]? AssociatedData { get; init; }

    /// <summary>What the ciphertext holds that is asked for, or given; <see cref="CiphertextKind.None"/> where there is none.</summary>
    public CiphertextKind Kind { get; init; }

    /// <summary>What never changes of the key; null while it is not known.</summary>
    public KeyFacts? Key { get; init; }

    /// <summary>The same with a message.</summary>
    public AccessContext With(byte[]? associatedData, CiphertextKind kind) =>
        this with { HasMessage = true, AssociatedData = associatedData, Kind = kind };

    /// <summary>What a simulated call has.</summary>
    public static AccessContext Of(SimulateAccess request, KeyFacts? facts, DateTimeOffset now) => new()
    {
        Now = request.Time ?? now,
        Source = IPAddress.TryParse(request.Source, out var address) ? address : null,
        Principal = request.Principal,
        HasMessage = true,
        AssociatedData = request.AssociatedData,
        Kind = request.Kind,
        Key = facts,
    };

    /// <summary>The kind of ciphertext that a ciphertext says it is; none where it is not well formed.</summary>
    public static CiphertextKind KindOf(ReadOnlySpan<byte> ciphertext) =>
        ciphertext.Length > CiphertextHeader.FixedLength && ciphertext[0] is >= (byte)CiphertextKind.Data and <= (byte)CiphertextKind.DataKeyPair
            ? (CiphertextKind)ciphertext[0]
            : CiphertextKind.None;
}
