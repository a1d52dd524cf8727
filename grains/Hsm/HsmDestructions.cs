using System.Collections.Concurrent;
using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Destroys keys on the token, and remembers which destructions failed. A module may drop an object from its own list and then
/// fail to remove it from the token; from then on it does not show what is still there. So after a failure, that an object is not
/// found counts only if the module was initialised since.
/// </summary>
internal sealed class HsmDestructions
{
    // By CKA_ID in hexadecimal digits: when the module listed anew since, as its number of finalisations tells, what it shows is believed again.
    private readonly ConcurrentDictionary<string, int> _failed = new(StringComparer.Ordinal);

    /// <summary>Whether a destruction has failed in this initialisation of the module, or in an earlier one and nobody has looked since.</summary>
    public bool HasFailed => !_failed.IsEmpty;

    /// <summary>Destroys a key.</summary>
    /// <param name="session">A session.</param>
    /// <param name="key">Its handle.</param>
    /// <param name="keyId">Its CKA_ID.</param>
    /// <exception cref="HsmException">It may still be there.</exception>
    public void Destroy(HsmSession session, ulong key, ReadOnlySpan<byte> keyId)
    {
        var id = Convert.ToHexStringLower(keyId);

        // Before the call: one that is given up and hangs has not succeeded either.
        _failed[id] = session.Initialisation;
        try
        {
            session.Destroy(key);
        }
        catch (Pkcs11Exception e) when (e.Code is CKR.CKR_OBJECT_HANDLE_INVALID or CKR.CKR_KEY_HANDLE_INVALID)
        {
            // Somebody else has destroyed it. If not, the next look finds it.
            _failed.TryRemove(id, out _);
            throw;
        }

        _failed.TryRemove(id, out _);
    }

    /// <summary>Requires that what is not found is gone.</summary>
    /// <param name="session">The session in which it was not found.</param>
    /// <param name="isAsked">Whether a key, by its CKA_ID in hexadecimal digits, is one that it is about.</param>
    /// <exception cref="HsmException">A destruction of one has failed, and the module may only have dropped it from its own list.</exception>
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
