using System.Text;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;
using Pkcs11Exception = OrleansKms.Grains.Hsm.Pkcs11Exception;

namespace OrleansKms.Grains.Providers;

/// <summary>A key version that the token has.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Label">Its label: key id and version.</param>
internal sealed record HsmKeyFound(HsmKeyId Id, string Label);

/// <summary>
/// The objects of this installation on the token. A crash between the HSM and the database leaves a key there that no row names;
/// such orphans are reported, and removed only by name.
/// </summary>
internal sealed class HsmInventory(HsmToken hsm, string serviceId, TimeProvider time)
{
    private const int MaxKeys = 1 << 20;

    // Reading attributes costs the token a call for each object, so the search is paged to let other calls in.
    private const int PageSize = 20;

    private static readonly CKO[] _classes = [CKO.CKO_SECRET_KEY, CKO.CKO_PRIVATE_KEY, CKO.CKO_PUBLIC_KEY];

    private readonly ulong _service = HsmKeyId.ServiceOf(serviceId);

    /// <summary>All key versions of this installation on the token.</summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public async Task<List<HsmKeyFound>> List(CancellationToken cancellationToken)
    {
        List<HsmKeyFound> found = [];
        foreach (var objectClass in _classes)
        {
            var handles = await hsm.RunInBackground(session => session.Find(HsmSession.Objects(objectClass), MaxKeys), cancellationToken);
            foreach (var page in handles.Chunk(PageSize))
            {
                found.AddRange(await hsm.RunInBackground(session => Read(session, page), cancellationToken));
            }
        }

        // Both parts of a pair may be there, or either.
        return [.. found.DistinctBy(key => key.Id)];
    }

    /// <summary>The key versions that no row names.</summary>
    /// <param name="isKnown">Whether a key's row names this very object, or that cannot be said.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public async Task<List<HsmKeyFound>> FindOrphans(Func<HsmKeyFound, ValueTask<bool>> isKnown, CancellationToken cancellationToken)
    {
        List<HsmKeyFound> orphans = [];
        foreach (var key in await List(cancellationToken))
        {
            if (!await isKnown(key))
            {
                orphans.Add(key);
            }
        }

        return orphans;
    }

    /// <summary>
    /// Destroys orphans, each given by name. All or nothing: nothing is destroyed unless each is an orphan of this installation,
    /// older than a day (a key that is being created has no row yet either), and made when this database knew of all keys.
    /// </summary>
    /// <param name="ids">CKA_IDs in hexadecimal.</param>
    /// <param name="isKnown">Whether a key's row names this very object, or that cannot be said.</param>
    /// <param name="since">The first day, UTC, from which the database knows of all keys that were made.</param>
    /// <param name="cancellationToken">Cancels before the first destruction.</param>
    /// <exception cref="KmsException">invalid_parameter, conflict, hsm_unavailable.</exception>
    public async Task RemoveOrphans(
        IReadOnlyCollection<string> ids, Func<HsmKeyFound, ValueTask<bool>> isKnown, DateOnly since, CancellationToken cancellationToken)
    {
        var orphans = (await FindOrphans(isKnown, cancellationToken)).DistinctBy(o => o.Id.ToString()).ToDictionary(o => o.Id.ToString(), StringComparer.Ordinal);
        foreach (var id in ids)
        {
            if (!orphans.TryGetValue(id, out var orphan))
            {
                throw KmsError.InvalidParameter.Exception($"{id} is not an orphan of this installation.");
            }

            if (!IsOld(orphan))
            {
                throw KmsError.Conflict.Exception($"{id} may be less than 24 hours old.");
            }

            if (orphan.Id.MadeOn < since)
            {
                throw KmsError.Conflict.Exception(
                    $"{id} was made before this database or its restore epoch began: it may be a key in use that the backup "
                        + "did not have.");
            }
        }

        foreach (var id in ids)
        {
            await Destroy(orphans[id].Id, cancellationToken);
        }
    }

    /// <summary>Whether a key is certainly older than 24 hours: only the day is known, so a whole day must lie between.</summary>
    public bool IsOld(HsmKeyFound key) => key.Id.MadeOn.AddDays(1) < DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    /// <summary>Destroys one of them.</summary>
    /// <exception cref="KmsException">hsm_unavailable: it may still be there.</exception>
    public Task Destroy(HsmKeyId id, CancellationToken cancellationToken) => hsm.RunChange(
        session =>
        {
            session.ForgetKeys();
            if (session.FindAll(id.ToArray()) is { Count: > 0 } objects)
            {
                hsm.Destructions.Destroy(session, objects, id.ToArray());
            }
            else
            {
                hsm.RequireToken(session);
            }

            hsm.Destructions.RequireGone(session, other => other == id.ToString());
            return true;
        },
        cancellationToken);

    /// <summary>
    /// Makes the module list the token afresh where a destruction has failed: it may have dropped from its list what is still
    /// there.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    public Task ShowFailedDestructions(CancellationToken cancellationToken) =>
        hsm.Destructions.HasFailed ? hsm.ListAnew(cancellationToken) : Task.CompletedTask;

    private List<HsmKeyFound> Read(HsmSession session, ulong[] handles)
    {
        List<HsmKeyFound> found = [];
        foreach (var handle in handles)
        {
            try
            {
                if (HsmKeyId.TryRead(session.Attribute(handle, CKA.CKA_ID), out var id) && id.Service == _service)
                {
                    found.Add(new HsmKeyFound(id, LabelOf(session, handle)));
                }
            }
            catch (Pkcs11Exception e) when (e.Code == CKR.CKR_OBJECT_HANDLE_INVALID)
            {
                // Destroyed since the handles were listed.
            }
        }

        return found;
    }

    private static string LabelOf(HsmSession session, ulong key) =>
        session.Attribute(key, CKA.CKA_LABEL) is { } label ? Encoding.UTF8.GetString(label) : "";
}
