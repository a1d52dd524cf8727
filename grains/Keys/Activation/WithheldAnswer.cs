using System.Security.Cryptography;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>Clears an answer that must not leave after all, so that it does not stay readable in memory.</summary>
internal static class WithheldAnswer
{
    /// <summary>Overwrites the plaintext in an answer, if there is any.</summary>
    public static void Zero<T>(T? answer)
    {
        switch (answer)
        {
            case Decrypted decrypted:
                CryptographicOperations.ZeroMemory(decrypted.Plaintext);
                break;
            case DataKey dataKey:
                CryptographicOperations.ZeroMemory(dataKey.Plaintext);
                break;
            case DataKeyPair pair:
                CryptographicOperations.ZeroMemory(pair.PrivateKey);
                break;
            case ImportParameters parameters:
                CryptographicOperations.ZeroMemory(parameters.ImportToken);
                break;
            case Derived derived:
                CryptographicOperations.ZeroMemory(derived.Key);
                break;
            case Encapsulated encapsulated:
                CryptographicOperations.ZeroMemory(encapsulated.SharedSecret);
                break;
            case Decapsulated decapsulated:
                CryptographicOperations.ZeroMemory(decapsulated.SharedSecret);
                break;
            case ItemResult<Decrypted>[] items:
                foreach (var item in items)
                {
                    CryptographicOperations.ZeroMemory(item.Value?.Plaintext);
                }

                break;
        }
    }
}
