using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Returns a version's material, wrapped for somebody's public key. Where the key's rule guards exports, the requester repeats the request
/// once it is approved: the approval is for this version and this public key, so whoever else sees it, or repeats it, gets nothing.
/// </summary>
internal static class Exporting
{
    public static Task<ExportedKey> Run(KeyActivation key, ExportKey request)
    {
        var hash = SHA256.HashData(request.WrappingPublicKey ?? []);
        var call = KeyGate.Enter(KmsOperation.ExportKey, request.Caller) with
        {
            Version = request.KeyVersion,
            Detail = $"wrapping key {Convert.ToHexStringLower(hash)}",
        };
        return key.Gate.RunInTurn(call, () => Export(key, request, hash), isRepeatable: true);
    }

    private static async Task<ExportedKey> Export(KeyActivation key, ExportKey request, byte[] hash)
    {
        key.Services.RequireLevel(Importing.Level, Importing.Refused, "exported");
        if (request.KeyVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception("The version must be 1 or more.");
        }

        using var wrapping = (request.WrappingPublicKey is { Length: <= KmsLimits.WrappingKeyBytes } given ? WrappingKey.OpenPublic(given) : null)
            ?? throw KmsError.InvalidParameter.Exception(
                $"The wrapping key must be an RSA public key of {KmsLimits.MinWrappingKeyBits} to {KmsLimits.MaxWrappingKeyBits} bits.");
        while (true)
        {
            var row = await key.Current();
            var version = request.KeyVersion ?? row.PrimaryVersion;
            KeyUsability.RequireExports(row, version);
            var asked = new RequestedOperation(KmsOperation.ExportKey.Name) { Version = version, WrappingKeyHash = hash };
            if (ApprovalRules.Guard(row.Approval, asked) is not null && await Grants.Find(key, row, asked, request.Caller) is null)
            {
                throw await GuardedChange.Ask(key, row, asked, request.Caller);
            }

            using var material = await key.Versions.Kept(row, version);

            // An older version was read from its row, during which the key can have been disabled.
            if (ReferenceEquals(row, key.Slot.Row) && !key.Slot.NeedsRead)
            {
                return new(MaterialWrapping.Wrap(wrapping, material.Span), version);
            }
        }
    }
}

/// <summary>
/// An operation whose answer is for its requester alone: once it is approved, the requester asks for it again. So nothing is changed when
/// it is approved, and the answer leaves where it was asked for.
/// </summary>
internal sealed class GrantedOperation(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override bool IsForTheRequester => true;

    /// <inheritdoc/>
    public override Rows.KeyRow Apply(KeyActivation key, Rows.KeyRow row)
    {
        if (Operation == KmsOperation.ExportKey)
        {
            KeyUsability.RequireExports(row, Request.Version!.Value);
        }
        else
        {
            KeyRotation.PlanImport(row, key.Services.Epoch, key.Now);
        }

        return row;
    }
}
