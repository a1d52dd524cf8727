using System.Text;
using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>A key version that the token has.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Label">Its label: key id and version.</param>
internal sealed record HsmKeyFound(HsmKeyId Id, string Label);

/// <summary>
/// What of this installation is on the token. A crash between the HSM and the database leaves a key there that no row knows;
/// such orphans are reported, and removed only by name.
/// </summary>
internal sealed class HsmInventory(HsmToken hsm, string serviceId, TimeProvider time)
{
    private const int MostKeys = 1 << 20;

    private readonly ulong _service = HsmKeyId.ServiceOf(serviceId);

    /// <summary>All key versions of this installation on the token.</summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public Task<List<HsmKeyFound>> List(CancellationToken cancellationToken) => hsm.Run(
        session =>
        {
            List<HsmKeyFound> found = [];
            foreach (var handle in session.Find(HsmSession.SecretKeys(), MostKeys))
            {
                if (HsmKeyId.TryRead(session.Attribute(handle, CKA.CKA_ID), out var id) && id.Service == _service)
                {
                    found.Add(new HsmKeyFound(id, LabelOf(session, handle)));
                }
            }

            return found;
        },
        cancellationToken);

    /// <summary>Those of them that no row knows.</summary>
    /// <param name="isKnown">Whether a key's row has this version, destroyed or not.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public async Task<List<HsmKeyFound>> FindOrphans(Func<HsmKeyId, ValueTask<bool>> isKnown, CancellationToken cancellationToken)
    {
        List<HsmKeyFound> orphans = [];
        foreach (var key in await List(cancellationToken))
        {
            if (!await isKnown(key.Id))
            {
                orphans.Add(key);
            }
        }

        return orphans;
    }

    /// <summary>
    /// Destroys orphans, each named. All or none: nothing is destroyed unless each of them is an orphan of this installation
    /// and older than a day, since a key that is being created has no row yet either.
    /// </summary>
    /// <param name="ids">CKA_IDs in hexadecimal digits.</param>
    /// <param name="isKnown">Whether a key's row has this version.</param>
    /// <param name="isNewEpoch">
    /// Whether the database was restored and its restore epoch has not been closed: its rows then know less than the HSM holds.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="KmsException">invalid_parameter, conflict, hsm_unavailable.</exception>
    public async Task RemoveOrphans(
        IReadOnlyList<string> ids, Func<HsmKeyId, ValueTask<bool>> isKnown, bool isNewEpoch, CancellationToken cancellationToken)
    {
        if (isNewEpoch)
        {
            throw KmsError.Conflict.Exception("The database was restored; what it does not know may be a key that is in use.");
        }

        var orphans = (await FindOrphans(isKnown, cancellationToken)).ToDictionary(o => o.Id.ToString(), StringComparer.Ordinal);
        foreach (var id in ids)
        {
            if (!orphans.TryGetValue(id, out var orphan))
            {
                throw KmsError.InvalidParameter.Exception("One of the ids is not that of an orphan of this installation.");
            }

            // Only the day is known, so a key is older than 24 hours when a whole day lies between.
            if (orphan.Id.MadeOn.AddDays(1) >= DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime))
            {
                throw KmsError.Conflict.Exception("One of the keys was made less than 24 hours ago.");
            }
        }

        foreach (var id in ids)
        {
            await Destroy(orphans[id].Id.ToArray(), cancellationToken);
        }
    }

    private Task<bool> Destroy(byte[] id, CancellationToken cancellationToken) => hsm.Run(
        session =>
        {
            session.ForgetKeys();
            if (session.FindKey(id) is { } key)
            {
                session.Destroy(key);
            }

            return true;
        },
        cancellationToken);

    private static string LabelOf(HsmSession session, ulong key) =>
        session.Attribute(key, CKA.CKA_LABEL) is { } label ? Encoding.UTF8.GetString(label) : "";
}
