using System.Collections.Concurrent;
using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Destroys keys on the token, and remembers which destructions failed. A module may drop an object from its own list and then
/// fail to remove it from the token; from then on it hides what is still there. So after a failure, a missing object counts as
/// gone only if the module was initialised since.
/// </summary>
internal sealed class HsmDestructions
{
    // By CKA_ID in hexadecimal. Once the module has listed the token afresh, as its number of finalisations tells, its list is
    // trusted again.
    private readonly ConcurrentDictionary<string, int> _failed = new(StringComparer.Ordinal);

    /// <summary>
    /// Whether a destruction has failed since the module was initialised, or failed before and has not been checked since.
    /// </summary>
    public bool HasFailed => !_failed.IsEmpty;

    /// <summary>Destroys a key: every object of it.</summary>
    /// <param name="session">A session.</param>
    /// <param name="objects">Their handles; both parts of a pair may be on the token.</param>
    /// <param name="keyId">Its CKA_ID, which they share.</param>
    /// <exception cref="HsmException">Some may still be there.</exception>
    public void Destroy(HsmSession session, IReadOnlyCollection<ulong> objects, ReadOnlySpan<byte> keyId)
    {
        var id = Convert.ToHexStringLower(keyId);

        // Recorded before the call: one that hangs and is abandoned has not succeeded either.
        _failed[id] = session.Initialisation;
        try
        {
            foreach (var key in objects)
            {
                session.Destroy(key);
            }
        }
        catch (Pkcs11Exception e) when (e.Code is CKR.CKR_OBJECT_HANDLE_INVALID or CKR.CKR_KEY_HANDLE_INVALID)
        {
            // Something else has destroyed it. If not, the next search finds it.
            _failed.TryRemove(id, out _);
            throw;
        }

        _failed.TryRemove(id, out _);
    }

    /// <summary>Requires that an object which was not found is really gone.</summary>
    /// <param name="session">The session that did not find it.</param>
    /// <param name="isAsked">Whether a key, by its CKA_ID in hexadecimal, is one in question.</param>
    /// <exception cref="HsmException">
    /// Destroying one of them has failed, and the module may only have dropped it from its own list.
    /// </exception>
    public void RequireGone(HsmSession session, Func<string, bool> isAsked)
    {
        foreach (var (id, initialisation) in _failed)
        {
            if (!isAsked(id))
            {
                continue;
            }

            if (initialisation == session.Initialisation)
            {
                throw new HsmUndestroyedException(id);
            }

            _failed.TryRemove(id, out _);
        }
    }
}
