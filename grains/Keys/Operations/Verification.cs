using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Verifies with public keys, which the row of the key holds: so it needs no material, no provider and no reserved use. It is counted
/// in memory, as a decryption is.
/// </summary>
internal static class Verification
{
    // Then others have their turn: a key may have thousands of versions.
    private const int TriesAtOnce = 16;

    public static ValueTask<Verified> Run(KeyActivation key, Verify request)
    {
        var call = KeyGate.Enter(KmsOperation.Verify, request.Caller) with
        {
            Bytes = request.Item?.Input?.Data?.Length,
            Version = request.Item?.KeyVersion,
        };
        try
        {
            KeyRequestRules.CheckVerified(request.Item, key.Services.Options.MaxPlaintextBytes);
            if (key.Policy.Permits(call) && AtOnce(key, request.Item) is { } verified && key.Gate.MayLeave)
            {
                return key.Recorder.Leave(call, verified);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<Verified>(call, e);
        }

        return WhenReady(key, call, request);
    }

    public static ValueTask<ItemResult<Verified>[]> RunBatch(KeyActivation key, VerifyBatch request)
    {
        var limit = key.Services.Options.MaxPlaintextBytes;
        var deadline = Deadline.Of(request.Within);
        return new Batch<VerifyItem, Verified>(
            key, KmsOperation.Verify, KeyUsage.SignVerify, request.Items, KeyRequestRules.SizeInBatch, (call, _) => call, RequireMayLeave, deadline,
            item =>
            {
                KeyRequestRules.CheckVerified(item, limit);
                return AtOnce(key, item);
            },
            async (item, left) =>
            {
                KeyRequestRules.CheckVerified(item, limit);
                return await WhenReady(key, item, left, deadline);
            }).Run(request.Caller);
    }

    /// <summary>
    /// Verifies without waiting; null when something must be prepared first, or when there are too many versions to try in one turn.
    /// The answer may be out of date.
    /// </summary>
    private static Verified? AtOnce(KeyActivation key, VerifyItem item)
    {
        if (key.Slot is not { NeedsRead: false, Row: { State: KeyState.Enabled, Usage: KeyUsage.SignVerify } row }
            || (item.KeyVersion is null && row.Versions.Count > TriesAtOnce))
        {
            return null;
        }

        var input = Fit(key, row, item);
        return key.Limits.TrySpend(KmsOperation.Verify) ? Counted(key, row, item, Try(key, row, item, input, row.Versions.Count, out _)) : null;
    }

    private static async Task<Verified> WhenReady(KeyActivation key, VerifyItem item, long wanted, Deadline deadline)
    {
        while (true)
        {
            var row = await key.Load();
            KeyUsability.Require(row, KeyUsage.SignVerify);
            var input = Fit(key, row, item);
            if (key.Limits.TrySpend(KmsOperation.Verify))
            {
                return await TryAll(key, row, item, input, deadline);
            }

            await key.Limits.Prepare(KmsOperation.Verify, wanted);
        }
    }

    private static ValueTask<Verified> WhenReady(KeyActivation key, Call call, Verify request)
    {
        var deadline = Deadline.Of(request.Within);
        return new(key.Gate.Run(call, () => WhenReady(key, request.Item, wanted: 1, deadline), isRepeatable: true));
    }

    private static void RequireMayLeave(KeyRow row, Verified verified)
    {
        KeyUsability.Require(row, KeyUsage.SignVerify);
        if (verified.KeyVersion is { } version)
        {
            KeyUsability.RequireVerifies(row, version);
        }
    }

    /// <summary>Tries versions from the newest on, a few in each turn.</summary>
    private static async Task<Verified> TryAll(KeyActivation key, KeyRow row, VerifyItem item, SignatureInput input, Deadline deadline)
    {
        for (var from = row.Versions.Count; ;)
        {
            if (Try(key, row, item, input, from, out from) is { } version)
            {
                return Counted(key, row, item, version);
            }

            if (from == 0)
            {
                return Counted(key, row, item, null);
            }

            if (deadline.IsOver)
            {
                throw KmsError.Timeout.Exception("The key has more versions than could be tried in time: name the one that signed in key_version.");
            }

            await Task.Yield();
            var newest = await key.Load();
            if (!ReferenceEquals(row, newest))
            {
                // Versions may have come or gone.
                KeyUsability.Require(newest, KeyUsage.SignVerify);
                (row, from) = (newest, newest.Versions.Count);
            }
        }
    }

    /// <summary>What is verified, and how; the version that the request names must be one that verifies.</summary>
    private static SignatureInput Fit(KeyActivation key, KeyRow row, VerifyItem item)
    {
        if (item.KeyVersion is { } named)
        {
            KeyUsability.RequireVerifies(row, named);
            return SignatureInput.Of(Open(key, row, row.Find(named)!).Schemes, item.Input);
        }

        for (var i = row.Versions.Count - 1; i >= 0; i--)
        {
            if (KeyUsability.Verifies(row, row.Versions[i]))
            {
                return SignatureInput.Of(Open(key, row, row.Versions[i]).Schemes, item.Input);
            }
        }

        throw KmsError.VersionNotUsable.Exception("No version of the key can verify: all are disabled, destroyed or below min_decrypt_version.");
    }

    /// <summary>Tries a version that is named, or the next few of all.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">Its row.</param>
    /// <param name="item">The request.</param>
    /// <param name="input">What is verified.</param>
    /// <param name="from">How many versions, from the oldest on, were not tried yet.</param>
    /// <param name="left">How many are left.</param>
    /// <returns>The version that made the signature; null for none of those tried.</returns>
    private static int? Try(KeyActivation key, KeyRow row, VerifyItem item, in SignatureInput input, int from, out int left)
    {
        left = 0;
        if (item.KeyVersion is { } named)
        {
            return Open(key, row, row.Find(named)!).Verify(input, item.Signature) ? named : null;
        }

        var tries = 0;
        for (left = from; left > 0 && tries < TriesAtOnce; left--)
        {
            var version = row.Versions[left - 1];
            if (KeyUsability.Verifies(row, version))
            {
                tries++;
                if (Open(key, row, version).Verify(input, item.Signature))
                {
                    return version.Version;
                }
            }
        }

        return null;
    }

    private static IVerifies Open(KeyActivation key, KeyRow row, KeyVersionEntry version) => key.Versions.OpenPublic(row, version).Require<IVerifies>();

    /// <summary>Counts a verification that was made, whether or not its answer leaves: by the version that made the signature, or was to have.</summary>
    private static Verified Counted(KeyActivation key, KeyRow row, VerifyItem item, int? version)
    {
        key.Usage.Meter(version ?? item.KeyVersion ?? row.PrimaryVersion)
            .CountVerification(item.Input.Data.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        return new(version is not null, version);
    }
}
