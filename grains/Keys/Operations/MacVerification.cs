using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Verifies MACs, by the version that the request names or by every one that may, the newest first. It is counted in memory, as a
/// decryption is.
/// </summary>
internal static class MacVerification
{
    // Then others have their turn: a key may have thousands of versions.
    private const int TriesAtOnce = 16;

    public static ValueTask<Verified> Run(KeyActivation key, VerifyMac request)
    {
        var call = KeyGate.Enter(KmsOperation.VerifyMac, request.Caller) with
        {
            Bytes = request.Item?.Message?.Length,
            Version = request.Item?.KeyVersion,
        };
        try
        {
            Check(key, request.Item);
            if (key.Policy.Permits(call) && AtOnce(key, request.Item!) is { } verified && key.Gate.MayLeave)
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

    public static ValueTask<ItemResult<Verified>[]> RunBatch(KeyActivation key, VerifyMacBatch request)
    {
        var deadline = Deadline.Of(request.Within);
        return new Batch<VerifyMacItem, Verified>(
            key, KmsOperation.VerifyMac, KeyUsage.Mac, request.Items, item => item.Message?.Length ?? 0, (call, _) => call, RequireMayLeave, deadline,
            item =>
            {
                Check(key, item);
                return AtOnce(key, item);
            },
            async (item, left) =>
            {
                Check(key, item);
                return await WhenReady(key, item, left, deadline);
            }).Run(request.Caller);
    }

    private static void RequireMayLeave(KeyRow row, Verified verified)
    {
        KeyUsability.Require(row, KeyUsage.Mac);
        if (verified.KeyVersion is { } version)
        {
            KeyUsability.RequireVerifies(row, version);
        }
    }

    private static void Check(KeyActivation key, VerifyMacItem? item)
    {
        KeyRequestRules.CheckMessage(item?.Message, key.Services.Options.MaxPlaintextBytes);
        if (item!.Mac is null || item.KeyVersion < 1)
        {
            throw KmsError.InvalidParameter.Exception("A MAC must be given, and key_version must be 1 or more.");
        }
    }

    /// <summary>
    /// Verifies without waiting; null when a version must be opened first, or when there are too many to try in one turn. Nothing was
    /// counted then. The answer may be out of date.
    /// </summary>
    private static Verified? AtOnce(KeyActivation key, VerifyMacItem item)
    {
        if (key.Slot is not { NeedsRead: false, Row: { State: KeyState.Enabled, Usage: KeyUsage.Mac } row })
        {
            return null;
        }

        var tries = 0;
        foreach (var version in Tried(row, item))
        {
            if (key.Versions.Find(version) is not IMacs { MacsAtOnce: true } macs || tries++ == TriesAtOnce)
            {
                return null;
            }

            RequireLength(macs, item);
            var verified = macs.VerifyMac(item.Message, item.Mac);
            if (!verified.IsCompletedSuccessfully)
            {
                throw new InvalidOperationException("internal error: a version that answers at once has not.");
            }

            if (verified.Result)
            {
                return key.Limits.TrySpend(KmsOperation.VerifyMac) ? Counted(key, row, item, version) : null;
            }
        }

        return key.Limits.TrySpend(KmsOperation.VerifyMac) ? Counted(key, row, item, null) : null;
    }

    private static async Task<Verified> WhenReady(KeyActivation key, VerifyMacItem item, long wanted, Deadline deadline)
    {
        while (true)
        {
            var row = await key.Load();
            KeyUsability.Require(row, KeyUsage.Mac);
            if (item.KeyVersion is { } named)
            {
                KeyUsability.RequireVerifies(row, named);
            }

            if (key.Limits.TrySpend(KmsOperation.VerifyMac))
            {
                return await TryAll(key, item, deadline);
            }

            await key.Limits.Prepare(KmsOperation.VerifyMac, wanted);
        }
    }

    private static ValueTask<Verified> WhenReady(KeyActivation key, Call call, VerifyMac request)
    {
        var deadline = Deadline.Of(request.Within);
        return new(key.Gate.Run(call, () => WhenReady(key, request.Item, wanted: 1, deadline), isRepeatable: true));
    }

    private static async Task<Verified> TryAll(KeyActivation key, VerifyMacItem item, Deadline deadline)
    {
        while (true)
        {
            var row = await key.Load();
            KeyUsability.Require(row, KeyUsage.Mac);
            if (await TryAll(key, row, item, deadline) is { } verified)
            {
                return verified;
            }
        }
    }

    /// <summary>Tries the versions of a row; null when the key was changed meanwhile, so that they may be others.</summary>
    private static async Task<Verified?> TryAll(KeyActivation key, KeyRow row, VerifyMacItem item, Deadline deadline)
    {
        var tries = 0;
        foreach (var version in Tried(row, item))
        {
            if (await key.Open(version) is not { Outcome: OpeningOutcome.Opened, Version: { } open } || !ReferenceEquals(row, key.Slot.Row))
            {
                return null;
            }

            var macs = open.Require<IMacs>();
            RequireLength(macs, item);
            if (await ProviderAnswers.Awaited(
                key, macs.VerifyMac(item.Message, item.Mac), now => KeyUsability.RequireVerifies(now, version)))
            {
                return Counted(key, row, item, version);
            }

            if (++tries % TriesAtOnce == 0)
            {
                if (deadline.IsOver)
                {
                    throw KmsError.Timeout.Exception("The key has more versions than could be tried in time: name the one that made the MAC in key_version.");
                }

                await Task.Yield();
            }
        }

        return Counted(key, row, item, null);
    }

    /// <summary>The versions to try.</summary>
    /// <exception cref="KmsException">not_found, version_not_usable: the one that is named, or every one, cannot verify.</exception>
    private static IEnumerable<int> Tried(KeyRow row, VerifyMacItem item)
    {
        if (item.KeyVersion is { } named)
        {
            KeyUsability.RequireVerifies(row, named);
            yield return named;
            yield break;
        }

        var any = false;
        for (var i = row.Versions.Count - 1; i >= 0; i--)
        {
            if (KeyUsability.Verifies(row, row.Versions[i]))
            {
                any = true;
                yield return row.Versions[i].Version;
            }
        }

        if (!any)
        {
            throw KmsError.VersionNotUsable.Exception("No version of the key can verify: all are disabled, destroyed or below min_decrypt_version.");
        }
    }

    private static void RequireLength(IMacs macs, VerifyMacItem item)
    {
        if (item.Mac.Length != macs.MacLength)
        {
            throw KmsError.InvalidParameter.Exception($"A MAC of this key has {macs.MacLength} bytes; a truncated one is not verified.");
        }
    }

    /// <summary>Counts a verification that was made, whether or not its answer leaves: by the version that made the MAC, or was to have.</summary>
    private static Verified Counted(KeyActivation key, KeyRow row, VerifyMacItem item, int? version)
    {
        key.Usage.Meter(version ?? item.KeyVersion ?? row.PrimaryVersion)
            .CountVerification(item.Message.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        return new(version is not null, version);
    }
}
