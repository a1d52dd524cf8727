using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Files;

namespace OrleansKms.Transport;

/// <summary>The three files at one moment. Erases the private key when disposed.</summary>
internal sealed class TlsFileContents : IDisposable
{
    private const int MaxBytes = 1 << 20;

    private readonly byte[] _key;

    private TlsFileContents(MutualTlsFiles files, byte[] authorities, byte[] certificates, byte[] key)
    {
        Files = files;
        Authorities = Encoding.UTF8.GetString(authorities);
        Certificates = Encoding.UTF8.GetString(certificates);
        _key = key;
        Fingerprint = FingerprintOf(authorities, certificates, key);
    }

    /// <summary>The files.</summary>
    public MutualTlsFiles Files { get; }

    /// <summary>The authorities' PEM.</summary>
    public string Authorities { get; }

    /// <summary>The PEM of this process's certificate and of the intermediate ones behind it.</summary>
    public string Certificates { get; }

    /// <summary>Differs when anything in the files does. Derived from the key, too, so it is not logged.</summary>
    public string Fingerprint { get; }

    /// <summary>
    /// Reads the files. Their content tells whether they were replaced, because times do not: a mounted secret is replaced by
    /// turning a link two directories up.
    /// </summary>
    /// <exception cref="StartRefusedException">One cannot be read, or the key is open to others.</exception>
    public static TlsFileContents Read(MutualTlsFiles files) => new(
        files,
        ReadFile(TlsFile.Authority(files), isSecret: false),
        ReadFile(TlsFile.Certificate(files), isSecret: false),
        ReadFile(TlsFile.Key(files), isSecret: true));

    /// <summary>Passes the key's PEM to a function; the characters are erased afterwards.</summary>
    public T WithKey<T>(Func<ReadOnlySpan<char>, T> use)
    {
        // Pinned, so that the garbage collector leaves no copy behind.
        var text = GC.AllocateUninitializedArray<char>(_key.Length, pinned: true);
        try
        {
            // One character per byte: anything beyond ASCII is no PEM anyway.
            return use(text.AsSpan(0, Encoding.Latin1.GetChars(_key, text)));
        }
        finally
        {
            Array.Clear(text);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_key);

    private static byte[] ReadFile(TlsFile file, bool isSecret)
    {
        try
        {
            using var handle = isSecret ? PrivateFile.Open(file.Path, SecretReaders.GroupOfRoots) : File.OpenHandle(file.Path);
            return RandomAccess.GetLength(handle) switch
            {
                0 => throw file.Unusable("is empty."),
                > MaxBytes => throw file.Unusable("is too large for PEM."),
                _ => PrivateFile.ReadAll(handle),
            };
        }
        catch (OpenToOthersException e)
        {
            throw file.Unusable($"is open to others than its owner. Run: {e.Remedy}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw file.Unusable($"cannot be read: {e.Message}", e);
        }
    }

    private static string FingerprintOf(params ReadOnlySpan<byte[]> contents)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var content in contents)
        {
            BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
            hash.AppendData(length);
            hash.AppendData(content);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
