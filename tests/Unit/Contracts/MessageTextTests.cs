using System.Reflection;
using System.Runtime.CompilerServices;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>What messages say of themselves, since Orleans writes those that it cannot deliver into its log, arguments included.</summary>
public sealed class MessageTextTests
{
    /// <summary>What may be said: who asks, of which key, alias, KEK, policy, principal or credential, and what is wrong. Whatever comes new needs a decision here.</summary>
    private static readonly string[] _said =
    [
        "AccessReason.Policy", "AliasDescription.KeyId", "AliasDescription.Name", "ApprovalCommand.ApprovalId",
        "ApprovalDescription.Id", "ApprovalGiven.Principal", "ApprovalKeysQuery.After",
        "AuditLogDescription.Checkpoint", "AuditLogDescription.Id", "AuditLogDescription.Key",
        "AuditLogDescription.Silo", "AuditPage.Last", "AuditQuery.Action", "AuditQuery.After", "AuditQuery.KeyId",
        "AuditQuery.Outcome", "AuditQuery.Principal", "Caller.Credential", "Caller.Principal", "Caller.RequestId",
        "Caller.Source", "Caller.TraceId", "CreateKey.Spec", "CreatePrincipal.Name", "CreateToken.Name",
        "CreatedToken.Id", "Decrypt.Algorithm", "DecryptItem.Algorithm", "DestroyKek.KekId", "DirectoryQuery.After", "DirectoryQuery.Prefix",
        "Encrypt.Algorithm", "EncryptItem.Algorithm", "FindPrincipal.Credential", "GatewayCall.Detail", "GatewayCall.KeyId", "GatewayCall.Operation", "GatewayCall.Outcome",
        "GenerateDataKeyPair.Spec", "HealthReport.ClockProblem", "HealthReport.HsmProblem", "HealthReport.KekProblem", "ItemError.Code",
        "ItemError.Detail", "Jws.Algorithm", "JwtIdentity.Issuer", "JwtIdentity.Subject", "KekDescription.Id", "KeyDescription.Id",
        "KeyFacts.Spec", "KeyHistoryPage.Next", "KeyRowCheck.Error", "KeyRowCheck.Row", "KeyValidation.Error",
        "LimitRule.Of", "ListPolicies.After", "ListPolicies.Prefix", "ListPrincipals.After", "ListPrincipals.Prefix",
        "NamespaceCommand.Prefix", "NamespaceLimits.Prefix", "NoteTokenUse.TokenId", "PointAlias.KeyId", "Policy.Name",
        "PolicyCommand.Name", "PrincipalCommand.Name", "PrincipalDescription.Name", "PrincipalFacts.Name",
        "PublicJwk.KeyType", "PublicKeyDescription.Spec", "PutPolicy.Name", "ReadKeyHistory.After",
        "Reencrypt.DestinationKeyId", "Reencrypted.KeyId", "RequestedOperation.Operation", "ReserveUses.Gateway",
        "RevokeToken.Name", "RevokeToken.TokenId", "SetNamespaceLimits.Prefix", "SignItem.Algorithm", "SignJws.Algorithm", "SignJws.Type",
        "Signature.Algorithm", "TokenDescription.Id", "UpdatePrincipal.Name",
    ];

    [Fact]
    public void Text_OfAnyMessage_HoldsNothingButNamesThatMayBeSaid()
    {
        var types = typeof(IKeyGrain).Assembly.GetTypes()
            .Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null && !type.IsAbstract && !type.IsEnum)
            .Where(type => !type.IsGenericTypeDefinition && !typeof(Exception).IsAssignableFrom(type)).ToList();
        Assert.Contains(typeof(CreateKey), types);
        Assert.Contains(typeof(UpdateKey), types);
        Assert.Equal(_said, types.SelectMany(Said).Distinct().Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Said(Type type)
    {
        var text = Filled(type, "")?.ToString() ?? "";
        return text.Split('\u00ab').Skip(1).Select(part => part[..part.IndexOf('\u00bb', StringComparison.Ordinal)]);
    }

    /// <summary>A message whose every text names the member in which it stands.</summary>
    private static object? Filled(Type type, string member)
    {
        if (type == typeof(string)) return $"\u00ab{member}\u00bb";
        if (type == typeof(IReadOnlyDictionary<string, string>)) return new Talkative($"\u00ab{member}\u00bb");
        if (type.IsArray || type.IsInterface || Nullable.GetUnderlyingType(type) is not null) return null;
        if (type.Assembly != typeof(IKeyGrain).Assembly || type.IsEnum) return type.IsValueType ? Activator.CreateInstance(type) : null;
        var filled = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
        {
            var name = $"{type.Name}.{field.Name.TrimStart('<').Split('>')[0]}";
            if (field.FieldType == typeof(byte[])) field.SetValue(filled, new byte[1]);
            else if (Filled(field.FieldType, name) is { } value) field.SetValue(filled, value);
        }

        return filled;
    }

    private sealed class Talkative(string text) : Dictionary<string, string>
    {
        public override string ToString() => text;
    }
}
