namespace OrleansKms.Grains.Hsm;

/// <summary>
/// What a working token must be able to do: open what the root key encrypted before. This tells a forged message from a broken
/// device, which some tokens answer alike.
/// </summary>
/// <param name="keyId">The CKA_ID of the root key.</param>
/// <param name="opens">Whether the key with this handle opens it.</param>
internal sealed class HsmKnownAnswer(byte[] keyId, Func<HsmSession, ulong, bool> opens)
{
    /// <summary>Checks, and tells the result.</summary>
    public bool Passes(HsmSession session)
    {
        try
        {
            return session.FindKey(keyId) is { } key && opens(session, key);
        }
        catch (HsmException)
        {
            return false;
        }
    }

    /// <summary>Checks, and throws when it fails.</summary>
    /// <exception cref="HsmException">The token does not give the known answer.</exception>
    public void Require(HsmSession session)
    {
        // The handle that the session keeps may be of an object that is gone.
        session.ForgetKeys();
        var key = session.FindKey(keyId) ?? throw new HsmLostException("The token no longer has the root key.");
        if (!opens(session, key))
        {
            throw new HsmLostException("The token no longer opens what the root key encrypted.");
        }
    }
}
