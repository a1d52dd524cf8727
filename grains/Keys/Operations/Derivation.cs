using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Derivation;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Derives keys, from the material itself or from a secret that it agrees on with somebody; spends a use.</summary>
internal static class Derivation
{
    public static ValueTask<Derived> Run(KeyActivation key, Derive request)
    {
        var call = KeyGate.Enter(KmsOperation.Derive, request.Caller) with
        {
            Bytes = request.Bytes ?? (request.Raw ? null : KmsLimits.DefaultDerivedKeyBytes),
            Version = request.KeyVersion,
        };
        return new(key.Gate.Run(call, () => Make(key, request, call.StartedAt), isRepeatable: true));
    }

    private static async Task<Derived> Make(KeyActivation key, Derive request, long startedAt)
    {
        KeyRequestRules.Check(request);
        var row = await key.Load();
        KeyLifecycle.RequireUsable(row.State);
        RequireFits(row, request);
        if (request.KeyVersion is { } number)
        {
            var (version, meter) = await NamedVersion.Spend(key, row.Usage, number, KmsOperation.Derive);
            var derived = new Derived(version.Version, await ProviderAnswers.Awaited(
                key, KeyBy(version, request), changed => KeyUsability.RequireVerifies(Usable(changed), number)));
            Count(key, meter, derived, startedAt);
            return derived;
        }

        while (true)
        {
            if (key.Primary.Ready is { Version: IDerives or IAgrees } && key.Gate.TrySpend(KmsOperation.Derive) is { } spent)
            {
                var version = spent.Version;
                var derived = new Derived(version.Version, await ProviderAnswers.Awaited(
                    key, KeyBy(version, request), changed => KeyUsability.RequireVersion(changed, version.Version)));
                key.Gate.Made(KmsOperation.Derive, spent, derived.Key.Length, startedAt);
                return derived;
            }

            await key.Primary.Prepare(row.Usage, wanted: 1);
            await key.Limits.Prepare(KmsOperation.Derive, wanted: 1);
        }
    }

    /// <summary>What the request gives must be what the key's usage takes, all of it and nothing else: nothing is ignored.</summary>
    private static void RequireFits(KeyRow row, Derive request)
    {
        switch (row.Usage)
        {
            case KeyUsage.Derive when request is { Context: null or { Length: 0 } }:
                throw Refused("A key of usage derive needs a context.");
            case KeyUsage.Derive when request is { PublicKey: not null } or { Raw: true }:
                throw Refused("A key of usage derive takes no public_key, and gives nothing raw.");
            case KeyUsage.KeyAgreement when request.PublicKey is null:
                throw Refused("A key of usage key_agreement needs the other side's public_key.");
            case KeyUsage.KeyAgreement when request.Salt is not null:
                throw Refused("A key of usage key_agreement takes no salt.");
            case KeyUsage.KeyAgreement when request is { Raw: true, Context: not null } or { Raw: true, Bytes: not null }:
                throw Refused("The raw secret has neither a context nor a length that could be chosen.");
            case KeyUsage.Derive or KeyUsage.KeyAgreement:
                return;
            default:
                throw KmsError.WrongKeyUsage.Exception();
        }
    }

    private static KeyRow Usable(KeyRow row)
    {
        KeyLifecycle.RequireUsable(row.State);
        return row;
    }

    /// <summary>Derives or agrees; waits where the version is outside this process.</summary>
    private static ValueTask<byte[]> KeyBy(IKeyVersion version, Derive request)
    {
        if (version is not IDerives derives)
        {
            var secret = version.Require<IAgrees>().Agree(request.PublicKey);
            return secret.IsCompletedSuccessfully ? new(KeyOf(secret.Result, request)) : Awaited(secret, request);
        }

        var key = new byte[request.Bytes ?? KmsLimits.DefaultDerivedKeyBytes];
        derives.Derive(request.Context, request.Salt, key);
        return new(key);
    }

    private static async ValueTask<byte[]> Awaited(ValueTask<SecretBytes?> secret, Derive request) => KeyOf(await secret, request);

    /// <summary>What is answered of an agreed secret, which this disposes.</summary>
    private static byte[] KeyOf(SecretBytes? agreed, Derive request)
    {
        using var secret = agreed ?? throw Refused("The public key is not one that this key can agree with.");
        if (request.Raw)
        {
            return secret.Span.ToArray();
        }

        var derived = new byte[request.Bytes ?? KmsLimits.DefaultDerivedKeyBytes];
        Hkdf256Algorithm.Derive(secret.Span, request.Context, [], derived);
        return derived;
    }

    private static void Count(KeyActivation key, UsageMeter meter, Derived derived, long startedAt)
    {
        meter.CountBytes(derived.Key.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        KeyInstruments.Took(key.Tag, KmsOperation.Derive, startedAt);
    }

    private static KmsException Refused(string why) => KmsError.InvalidParameter.Exception(why);
}
