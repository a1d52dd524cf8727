using System.Net;

namespace OrleansKms;

/// <summary>What conditions of policies look at. Unknown values leave only the conditions on them undecided.</summary>
internal readonly struct AccessContext
{
    /// <summary>The time, UTC.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The caller's address; null if it has none, which is in no network.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The caller; only a key's own policy looks at it.</summary>
    public string? Principal { get; init; }

    /// <summary>Whether <see cref="AssociatedData"/> and <see cref="Kind"/> are known; they are not before the body is read.</summary>
    public bool HasMessage { get; init; }

    /// <summary>The associated data; null for none.</summary>
    public byte[]? AssociatedData { get; init; }

    /// <summary>The kind of the ciphertext requested or given; <see cref="CiphertextKind.None"/> if there is none.</summary>
    public CiphertextKind Kind { get; init; }

    /// <summary>The key's immutable facts; null while unknown.</summary>
    public KeyFacts? Key { get; init; }

    /// <summary>The same context with a message.</summary>
    public AccessContext With(byte[]? associatedData, CiphertextKind kind) =>
        this with { HasMessage = true, AssociatedData = associatedData, Kind = kind };

    /// <summary>The context of a simulated call.</summary>
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

    /// <summary>The kind that a ciphertext claims; none if it is malformed.</summary>
    public static CiphertextKind KindOf(ReadOnlySpan<byte> ciphertext) =>
        ciphertext.Length > CiphertextHeader.FixedLength && ciphertext[0] is >= (byte)CiphertextKind.Data and <= (byte)CiphertextKind.DataKeyPair
            ? (CiphertextKind)ciphertext[0]
            : CiphertextKind.None;

    /// <summary>The kind that a ciphertext claims; data for a bare one, which claims nothing.</summary>
    public static CiphertextKind KindOf(ReadOnlySpan<byte> ciphertext, bool isRaw) => isRaw ? CiphertextKind.Data : KindOf(ciphertext);
}
