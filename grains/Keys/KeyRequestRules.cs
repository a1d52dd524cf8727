using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Grains.Keys;

/// <summary>Which arguments a key accepts: checked here once, for callers over HTTP and Orleans clients alike.</summary>
internal static class KeyRequestRules
{
    // RFC 6838, 4.2.
    private static readonly SearchValues<char> _mediaTypeCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-/");

    public static KeyAlgorithm Check(CreateKey request, string id, KeyProviders providers)
    {
        if (!KeyId.IsValid(id))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        if (!KeyAlgorithms.TryFind(request.Spec, out var algorithm))
        {
            throw KmsError.UnsupportedAlgorithm.Exception();
        }

        if (request.Usage is { } usage && !algorithm.Usages.Contains(usage))
        {
            throw KmsError.InvalidParameter.Exception("The key spec does not allow this usage.");
        }

        if (!Enum.IsDefined(request.Origin) || !Enum.IsDefined(request.Protection))
        {
            throw KmsError.InvalidParameter.Exception();
        }

        CheckProtection(request, providers);
        CheckDescription(request.Description);
        CheckTags(request.Tags);
        CheckRotation(request.Rotation);
        CheckRotation(request.Rotation, request.Origin);
        LimitRules.CheckOfKey(request.Limits);
        ApprovalRules.Check(request.Approval);
        return algorithm;
    }

    /// <summary>Checks a change as far as possible without the key.</summary>
    public static void Check(UpdateKey request)
    {
        CheckDescription(request.Description.Value);
        CheckTags(request.Tags.Value);
        CheckRotation(request.Rotation.Value);
        LimitRules.CheckOfKey(request.Limits.Value);
        ApprovalRules.Check(request.Approval.Value);
        if (request.MinDecryptVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception("min_decrypt_version must be 1 to the primary version.");
        }
    }

    /// <summary>Whether a key of this origin may have the plan.</summary>
    public static void CheckRotation(RotationPlan? plan, KeyOrigin origin)
    {
        if (plan is not null && origin == KeyOrigin.External)
        {
            throw KmsError.InvalidParameter.Exception("A key of origin external cannot rotate by itself.");
        }
    }

    /// <summary>
    /// How long a version waits for its destruction when the request does not say: 7 days, or the operator's minimum if that is
    /// longer.
    /// </summary>
    public static TimeSpan DefaultDestructionDelay(KeyOptions options) =>
        options.MinDeletionDelay > KmsLimits.DefaultDestructionDelay ? options.MinDeletionDelay : KmsLimits.DefaultDestructionDelay;

    /// <summary>Checks how long the deletion of a key, or the destruction of a version, may wait.</summary>
    public static void CheckDelay(TimeSpan after, KeyOptions options)
    {
        if (after < options.MinDeletionDelay || after > KmsLimits.MaxDeletionDelay)
        {
            throw KmsError.InvalidParameter.Exception(
                $"after must be {Iso8601Duration.Format(options.MinDeletionDelay)} to {Iso8601Duration.Format(KmsLimits.MaxDeletionDelay)}.");
        }
    }

    public static void CheckPlaintext([NotNull] byte[]? plaintext, byte[]? associatedData, int limit)
    {
        if (plaintext is not { Length: > 0 })
        {
            throw KmsError.InvalidParameter.Exception("The plaintext must not be empty.");
        }

        if (plaintext.Length > limit)
        {
            throw KmsError.PayloadTooLarge.Exception($"The plaintext must be at most {limit} bytes.");
        }

        CheckAssociatedData(associatedData);
    }

    /// <summary>Checks what is to be signed, as far as possible without the key.</summary>
    public static void CheckSigned([NotNull] SignItem? item, int limit)
    {
        if (item?.Data is null || (item.Encoding is { } encoding && !Enum.IsDefined(encoding)))
        {
            throw KmsError.InvalidParameter.Exception();
        }

        if (item.Data.Length > limit)
        {
            throw KmsError.PayloadTooLarge.Exception($"The message must be at most {limit} bytes.");
        }
    }

    /// <summary>Checks what is to be signed as a token, as far as possible without the key.</summary>
    public static void Check(SignJws request, int limit)
    {
        if (request.Payload is null)
        {
            throw KmsError.InvalidParameter.Exception();
        }

        if (request.Payload.Length > limit)
        {
            throw KmsError.PayloadTooLarge.Exception($"The payload must be at most {limit} bytes.");
        }

        if (request.Type is { } type && (type.Length is 0 or > KmsLimits.JwsTypeLength || type.AsSpan().ContainsAnyExcept(_mediaTypeCharacters)))
        {
            throw KmsError.InvalidParameter.Exception($"typ must be 1 to {KmsLimits.JwsTypeLength} of A-Z a-z 0-9 ! # $ & ^ _ . + - /.");
        }
    }

    /// <summary>Checks what is to be verified, as far as possible without the key.</summary>
    public static void CheckVerified([NotNull] VerifyItem? item, int limit)
    {
        CheckSigned(item?.Input, limit);
        if (item!.Signature is null || item.KeyVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception();
        }

        if (item.Signature.Length > KmsLimits.SignatureBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"The signature must be at most {KmsLimits.SignatureBytes} bytes.");
        }
    }

    /// <summary>Checks a message that is authenticated.</summary>
    public static void CheckMessage([NotNull] byte[]? message, int limit)
    {
        if (message is null)
        {
            throw KmsError.InvalidParameter.Exception("A message must be given; it may be empty.");
        }

        if (message.Length > limit)
        {
            throw KmsError.PayloadTooLarge.Exception($"The message must be at most {limit} bytes.");
        }
    }

    /// <summary>Checks a derivation, as far as possible without the key.</summary>
    public static void Check(Derive request)
    {
        if (request.Context?.Length > KmsLimits.DerivationContextBytes || request.Salt?.Length > KmsLimits.DerivationContextBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"Context and salt must be at most {KmsLimits.DerivationContextBytes} bytes each.");
        }

        if (request.PublicKey?.Length > KmsLimits.PeerPublicKeyBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"The public key must be at most {KmsLimits.PeerPublicKeyBytes} bytes.");
        }

        if (request.Bytes is < 1 or > KmsLimits.DerivedKeyBytes)
        {
            throw KmsError.InvalidParameter.Exception($"bytes must be 1 to {KmsLimits.DerivedKeyBytes}.");
        }

        if (request.KeyVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception("key_version must be 1 or more.");
        }
    }

    /// <summary>Checks a decapsulation, as far as possible without the key.</summary>
    public static void Check(Decapsulate request)
    {
        if (request.Ciphertext is null)
        {
            throw KmsError.InvalidParameter.Exception("A ciphertext must be given.");
        }

        if (request.KeyVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception("key_version must be 1 or more.");
        }
    }

    public static void CheckAssociatedData(byte[]? associatedData)
    {
        if (associatedData?.Length > KmsLimits.AssociatedDataBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"The associated data must be at most {KmsLimits.AssociatedDataBytes} "
                + "bytes.");
        }
    }

    public static void CheckBatch<T>([NotNull] T[]? items, Func<T, long> size)
    {
        if (items is not { Length: > 0 and <= KmsLimits.BatchItems } || Array.Exists(items, item => item is null))
        {
            throw KmsError.InvalidParameter.Exception($"A batch must have 1 to {KmsLimits.BatchItems} items.");
        }

        if (items.Sum(size) > KmsLimits.BatchBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"The items of a batch must be at most {KmsLimits.BatchBytes} bytes "
                + "together.");
        }
    }

    /// <summary>What an item counts towards the limit: a ciphertext as its plaintext, at most.</summary>
    public static long SizeInBatch(DecryptItem item) =>
        Math.Max(0, (item.Ciphertext?.Length ?? 0) - CiphertextHeader.MaxOverhead) + (item.AssociatedData?.Length ?? 0);

    /// <summary>What an item counts towards the limit.</summary>
    public static long SizeInBatch(SignItem item) => (item.Data?.Length ?? 0) + (item.Context?.Length ?? 0);

    /// <summary>What an item counts towards the limit; with its signature, which has up to 30 KB and takes milliseconds to verify.</summary>
    public static long SizeInBatch(VerifyItem item) => (item.Input is null ? 0 : SizeInBatch(item.Input)) + (item.Signature?.Length ?? 0);

    private static void CheckProtection(CreateKey request, KeyProviders providers)
    {
        if (providers.Find(request.Protection) is null)
        {
            throw KmsError.InvalidParameter.Exception("This service has no HSM, which keys with protection hsm need.");
        }

        if (request is { Protection: KeyProtection.Hsm, Origin: not KeyOrigin.Generated } or { Protection: KeyProtection.Hsm, Exportable: true })
        {
            throw KmsError.InvalidParameter.Exception("A key with protection hsm is generated in the HSM and never leaves it.");
        }
    }

    private static void CheckDescription(string? description)
    {
        if (description?.Length > KmsLimits.DescriptionLength)
        {
            throw KmsError.InvalidParameter.Exception($"The description must be at most {KmsLimits.DescriptionLength} "
                + "characters.");
        }
    }

    private static void CheckTags(IReadOnlyDictionary<string, string>? tags)
    {
        if (tags is null)
        {
            return;
        }

        if (tags.Count > KmsLimits.Tags
            || tags.Any(t => t.Key.Length is 0 or > KmsLimits.TagNameLength || t.Value is not { Length: <= KmsLimits.TagValueLength }))
        {
            throw KmsError.InvalidParameter.Exception(
                $"A key may have up to {KmsLimits.Tags} tags, with names of 1 to {KmsLimits.TagNameLength} and values of up to "
                    + $"{KmsLimits.TagValueLength} characters.");
        }
    }

    private static void CheckRotation(RotationPlan? plan)
    {
        if (plan is null)
        {
            return;
        }

        if (plan is { Every: null, AfterUses: null })
        {
            throw KmsError.InvalidParameter.Exception("A rotation plan must have every, after_uses or both.");
        }

        if (plan.Every < KmsLimits.MinRotation || plan.Every > KmsLimits.MaxRotation)
        {
            throw KmsError.InvalidParameter.Exception(
                $"rotation.every must be {Iso8601Duration.Format(KmsLimits.MinRotation)} to {Iso8601Duration.Format(KmsLimits.MaxRotation)}.");
        }

        if (plan.AfterUses is < 1 or > KmsLimits.MaxRotationUses)
        {
            throw KmsError.InvalidParameter.Exception($"rotation.after_uses must be 1 to {KmsLimits.MaxRotationUses}.");
        }
    }
}
