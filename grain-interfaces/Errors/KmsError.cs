using System.Collections.Frozen;

namespace OrleansKms;

/// <summary>
/// One kind of expected failure: its stable code, its HTTP status and a text that tells the caller what to do. This table is the
/// only place that joins the three.
/// </summary>
/// <param name="Code">The stable code, for example <c>key_not_found</c>.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Title">A sentence that is true of every failure of this kind and reveals no secret.</param>
public sealed record KmsError(string Code, int Status, string Title)
{
    /// <summary>Nothing was done: the operation waits for the approval of others (<see cref="KmsException.Approval"/>).</summary>
    public static readonly KmsError ApprovalPending = new("approval_pending", 202, "The operation is not done yet: it waits for approval.");
    /// <summary>The request is malformed: not JSON, an unknown, duplicate or missing field, a value of the wrong type.</summary>
    public static readonly KmsError InvalidRequest = new("invalid_request", 400, "The request is malformed.");
    /// <summary>The key id breaks the rules of <see cref="KeyId"/>.</summary>
    public static readonly KmsError InvalidKeyId = new("invalid_key_id", 400, $"The key id is not valid: it must be {KeyId.Rule}.");
    /// <summary>The ciphertext is not one, was changed, or the key or the associated data are not those it was made with.</summary>
    public static readonly KmsError InvalidCiphertext = new("invalid_ciphertext", 400, "The ciphertext cannot be decrypted with this key and associated data.");
    /// <summary>A field has the right type and a disallowed value.</summary>
    public static readonly KmsError InvalidParameter = new("invalid_parameter", 400, "A parameter's value is not allowed.");
    /// <summary>The key spec or algorithm is unknown.</summary>
    public static readonly KmsError UnsupportedAlgorithm = new("unsupported_algorithm", 400, "The key spec or algorithm is not supported.");
    /// <summary>No credentials, or wrong ones.</summary>
    public static readonly KmsError Unauthenticated = new("unauthenticated", 401, "Valid credentials are required.");
    /// <summary>The principal may not do this.</summary>
    public static readonly KmsError PermissionDenied = new("permission_denied", 403, "The caller may not do this.");
    /// <summary>No key has this id.</summary>
    public static readonly KmsError KeyNotFound = new("key_not_found", 404, "There is no key with this id.");
    /// <summary>No alias has this name.</summary>
    public static readonly KmsError AliasNotFound = new("alias_not_found", 404, "There is no alias with this name.");
    /// <summary>No policy has this name, or the key has no policy of its own.</summary>
    public static readonly KmsError PolicyNotFound = new("policy_not_found", 404, "There is no such policy.");
    /// <summary>No principal has this name.</summary>
    public static readonly KmsError PrincipalNotFound = new("principal_not_found", 404, "There is no principal with this name.");
    /// <summary>No approval has this id, or it was decided long ago.</summary>
    public static readonly KmsError ApprovalNotFound = new("approval_not_found", 404, "There is no approval with this id.");
    /// <summary>No such route.</summary>
    public static readonly KmsError NotFound = new("not_found", 404, "There is nothing at this address.");
    /// <summary>The route exists, but not with this HTTP method.</summary>
    public static readonly KmsError MethodNotAllowed = new(
        "method_not_allowed", 405, "This address does not support this method.");
    /// <summary>The client sent its request too slowly.</summary>
    public static readonly KmsError RequestTimeout = new("request_timeout", 408, "The request took too long to arrive.");
    /// <summary>A key with this id exists already.</summary>
    public static readonly KmsError KeyExists = new("key_exists", 409, "A key with this id exists already.");
    /// <summary>A principal with this name exists already.</summary>
    public static readonly KmsError PrincipalExists = new("principal_exists", 409, "A principal with this name exists already.");
    /// <summary>The key is disabled.</summary>
    public static readonly KmsError KeyDisabled = new("key_disabled", 409, "The key is disabled.");
    /// <summary>The key is scheduled for deletion.</summary>
    public static readonly KmsError KeyPendingDeletion = new("key_pending_deletion", 409, "The key is scheduled for deletion.");
    /// <summary>The key waits for its material to be imported.</summary>
    public static readonly KmsError KeyPendingImport = new("key_pending_import", 409, "The key waits for its material to be imported.");
    /// <summary>The key is destroyed; its id is never reused.</summary>
    public static readonly KmsError KeyDestroyed = new("key_destroyed", 409, "The key is destroyed; its id cannot be reused.");
    /// <summary>The key version is disabled, destroyed or below <c>min_decrypt_version</c>.</summary>
    public static readonly KmsError VersionNotUsable = new("version_not_usable", 409, "The key version cannot be used for this.");
    /// <summary>The key version has reached its usage limit.</summary>
    public static readonly KmsError KeyExhausted = new(
        "key_exhausted", 409, "The key version has reached its usage limit; rotate the key.");
    /// <summary>Something else changed the same thing at the same time, or the current state forbids the change.</summary>
    public static readonly KmsError Conflict = new(
        "conflict", 409, "The change conflicts with the current state; read it and try again.");
    /// <summary>The request, or a field of it, is larger than allowed.</summary>
    public static readonly KmsError PayloadTooLarge = new("payload_too_large", 413, "The request is too large.");
    /// <summary>The route does not support the content type.</summary>
    public static readonly KmsError UnsupportedMediaType = new("unsupported_media_type", 415, "The content type is not supported here.");
    /// <summary>The key's usage does not allow this.</summary>
    public static readonly KmsError WrongKeyUsage = new("wrong_key_usage", 422, "The key's usage does not allow this operation.");
    /// <summary>The key was not created as exportable.</summary>
    public static readonly KmsError NotExportable = new("not_exportable", 422, "The key cannot be exported.");
    /// <summary>The policy has more statements or bytes than a policy can have.</summary>
    public static readonly KmsError PolicyTooLarge = new("policy_too_large", 422, "The policy is too large.");
    /// <summary>The principal sends more requests than its limit allows.</summary>
    public static readonly KmsError RateLimited = new("rate_limited", 429, "Too many requests; wait and try again.");
    /// <summary>The key's stored rows do not open or contradict each other.</summary>
    public static readonly KmsError KeyCorrupted = new("key_corrupted", 500, "The stored key cannot be opened; an operator must look at it.");
    /// <summary>A defect of this service.</summary>
    public static readonly KmsError Internal = new("internal", 500, "Something went wrong inside the service.");
    /// <summary>The database cannot be reached, or a write has an unknown outcome.</summary>
    public static readonly KmsError StorageUnavailable = new("storage_unavailable", 503, "The database cannot be reached; try again.");
    /// <summary>The HSM cannot be reached.</summary>
    public static readonly KmsError HsmUnavailable = new("hsm_unavailable", 503, "The HSM cannot be reached; try again.");
    /// <summary>The audit trail cannot be written, so nothing is answered.</summary>
    public static readonly KmsError AuditUnavailable = new("audit_unavailable", 503, "The audit trail cannot be written; try again.");
    /// <summary>The cluster cannot be reached.</summary>
    public static readonly KmsError Unavailable = new("unavailable", 503, "The service is not available; try again.");
    /// <summary>The service has more work than it can handle.</summary>
    public static readonly KmsError Overloaded = new("overloaded", 503, "The service is overloaded; wait and try again.");
    /// <summary>No answer in time; the outcome of a change is unknown.</summary>
    public static readonly KmsError Timeout = new("timeout", 504, "There was no answer in time; a change may have been made.");

    /// <summary>Every error, by its code.</summary>
    public static FrozenDictionary<string, KmsError> All { get; } = new[]
    {
        ApprovalPending, InvalidRequest, InvalidKeyId, InvalidCiphertext, InvalidParameter, UnsupportedAlgorithm, Unauthenticated,
        PermissionDenied, KeyNotFound, AliasNotFound, ApprovalNotFound, PolicyNotFound, PrincipalNotFound, NotFound, MethodNotAllowed, RequestTimeout, KeyExists, PrincipalExists, KeyDisabled,
        KeyPendingDeletion, KeyPendingImport, KeyDestroyed, VersionNotUsable, KeyExhausted, Conflict, PayloadTooLarge,
        UnsupportedMediaType, WrongKeyUsage, NotExportable, PolicyTooLarge, RateLimited, KeyCorrupted, Internal, StorageUnavailable,
        HsmUnavailable, AuditUnavailable, Unavailable, Overloaded, Timeout,
    }.ToFrozenDictionary(e => e.Code, StringComparer.Ordinal);

    /// <summary>Makes the exception of this failure.</summary>
    /// <param name="detail">What the caller should know beyond the title; never a secret, never which byte was wrong.</param>
    public KmsException Exception(string? detail = null) => new(Code, detail ?? Title);
}
