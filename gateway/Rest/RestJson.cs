using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Rest.Access;
using OrleansKms.Gateway.Rest.Admin;
using OrleansKms.Gateway.Rest.Aliases;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Audit;
using OrleansKms.Gateway.Rest.Cryptography;
using OrleansKms.Gateway.Rest.Keys;
using OrleansKms.Gateway.Rest.Limits;
using OrleansKms.Gateway.Rest.Policies;
using OrleansKms.Gateway.Rest.Service;

namespace OrleansKms.Gateway.Rest;

/// <summary>
/// How JSON is read and written: strictly. An unknown, repeated or wrongly cased field is refused, so that a misspelt option is
/// never silently ignored, and nesting is shallow, so that no body costs more stack than the deepest real one.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    MaxDepth = 16,
    Converters = [typeof(StrictBase64Converter)])]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(EmptyBody))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(KeyAnswer))]
[JsonSerializable(typeof(CreateKeyBody))]
[JsonSerializable(typeof(CreateKeysAnswer))]
[JsonSerializable(typeof(UpdateKeyBody))]
[JsonSerializable(typeof(ScheduleDeletionBody))]
#if !OKMS_FEATURE_LEVEL_1
[JsonSerializable(typeof(DestroyVersionBody))]
#endif
[JsonSerializable(typeof(ListKeysAnswer))]
[JsonSerializable(typeof(KeyHistoryAnswer))]
[JsonSerializable(typeof(BackupAnswer))]
[JsonSerializable(typeof(RestoreBody))]
[JsonSerializable(typeof(ValidateKeysBody))]
[JsonSerializable(typeof(ValidateKeysAnswer))]
[JsonSerializable(typeof(EncryptBody))]
[JsonSerializable(typeof(EncryptShortBody))]
[JsonSerializable(typeof(EncryptAnswer))]
[JsonSerializable(typeof(DecryptBody))]
[JsonSerializable(typeof(RewrapBody))]
[JsonSerializable(typeof(DecryptByCiphertextBody))]
[JsonSerializable(typeof(DecryptShortBody))]
[JsonSerializable(typeof(DecryptAnswer))]
[JsonSerializable(typeof(ReencryptBody))]
[JsonSerializable(typeof(DataKeyBody))]
[JsonSerializable(typeof(DataKeyAnswer))]
[JsonSerializable(typeof(SignBody))]
[JsonSerializable(typeof(SignAnswer))]
[JsonSerializable(typeof(VerifyBody))]
[JsonSerializable(typeof(VerifyAnswer))]
[JsonSerializable(typeof(JwsBody))]
[JsonSerializable(typeof(JwsAnswer))]
[JsonSerializable(typeof(JwksAnswer))]
[JsonSerializable(typeof(PublicKeyAnswer))]
[JsonSerializable(typeof(ImportParametersAnswer))]
[JsonSerializable(typeof(ImportKeyBody))]
[JsonSerializable(typeof(ExportKeyBody))]
[JsonSerializable(typeof(ExportKeyAnswer))]
[JsonSerializable(typeof(DataKeyPairBody))]
[JsonSerializable(typeof(DataKeyPairAnswer))]
[JsonSerializable(typeof(MacBody))]
[JsonSerializable(typeof(MacAnswer))]
[JsonSerializable(typeof(VerifyMacBody))]
[JsonSerializable(typeof(DeriveBody))]
[JsonSerializable(typeof(DeriveAnswer))]
[JsonSerializable(typeof(EncapsulateAnswer))]
[JsonSerializable(typeof(DecapsulateBody))]
[JsonSerializable(typeof(DecapsulateAnswer))]
[JsonSerializable(typeof(RandomBody))]
[JsonSerializable(typeof(RandomAnswer))]
[JsonSerializable(typeof(BatchBody))]
[JsonSerializable(typeof(BatchAnswer))]
[JsonSerializable(typeof(PointAliasBody))]
[JsonSerializable(typeof(AliasAnswer))]
[JsonSerializable(typeof(ListAliasesAnswer))]
[JsonSerializable(typeof(NamespaceLimitsBody))]
[JsonSerializable(typeof(NamespaceLimitsAnswer))]
[JsonSerializable(typeof(ApprovalAnswer))]
[JsonSerializable(typeof(ListApprovalsAnswer))]
[JsonSerializable(typeof(WhoAmIAnswer))]
[JsonSerializable(typeof(PrincipalAnswer))]
[JsonSerializable(typeof(CreatePrincipalBody))]
[JsonSerializable(typeof(UpdatePrincipalBody))]
[JsonSerializable(typeof(ListPrincipalsAnswer))]
[JsonSerializable(typeof(CreateTokenBody))]
[JsonSerializable(typeof(CreatedTokenAnswer))]
[JsonSerializable(typeof(ListTokensAnswer))]
[JsonSerializable(typeof(PolicyBody))]
[JsonSerializable(typeof(KeyPolicyAnswer))]
[JsonSerializable(typeof(PolicyAnswer))]
[JsonSerializable(typeof(ListPoliciesAnswer))]
[JsonSerializable(typeof(SimulateBody))]
[JsonSerializable(typeof(SimulateAnswer))]
[JsonSerializable(typeof(KekAnswer))]
[JsonSerializable(typeof(ListKeksAnswer))]
[JsonSerializable(typeof(LoggingBody))]
[JsonSerializable(typeof(LoggingAnswer))]
[JsonSerializable(typeof(SearchAuditAnswer))]
[JsonSerializable(typeof(ListAuditLogsAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
internal sealed partial class RestJson : JsonSerializerContext;
