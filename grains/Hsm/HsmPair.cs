using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>A key pair that a token is to make.</summary>
/// <param name="Maker">The mechanism that makes it.</param>
/// <param name="MakerName">Its name, for messages.</param>
/// <param name="Public">The attributes of the public key, except CKA_TOKEN.</param>
/// <param name="Private">Those of the private key.</param>
/// <param name="IsSlow">Whether making it takes so long that other changes of the token must not wait for it.</param>
internal sealed record HsmPair(CKM Maker, string MakerName, Pkcs11Template Public, Pkcs11Template Private, bool IsSlow);
