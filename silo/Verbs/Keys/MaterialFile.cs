using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Files;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>Material in files, as other tools write and read it.</summary>
internal static class MaterialFile
{
    private const string PrivateKey = "PRIVATE KEY";
    private const string PublicKey = "PUBLIC KEY";
    private const string Openssl = "Convert it with: openssl pkcs8 -topk8 -nocrypt -in FILE -outform DER";

    /// <summary>Reads material in the form of an import: a key as PEM becomes PKCS#8 or SubjectPublicKeyInfo in DER, anything else is taken as it is.</summary>
    /// <param name="context">The process.</param>
    /// <param name="file">A path, with or without <c>@</c>; or <c>-</c>.</param>
    /// <exception cref="VerbException">It cannot be read, others may read what is secret, or it is in a form that no import takes.</exception>
    public static async Task<SecretBytes> Read(VerbContext context, string file)
    {
        var path = file.StartsWith('@') ? file[1..] : file;
        var content = await VerbInput.Bytes(context, path == "-" ? "-" : "@" + path, KmsLimits.WrappedMaterialBytes);
        try
        {
            var (material, isPublic) = Parse(content);
            if (!isPublic && path != "-") RequirePrivate(context.PathOf(path));
            return material;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Material as a file: a private key as PEM, and what is no key pair as it is.</summary>
    /// <param name="material">The material.</param>
    /// <param name="isDer">Whether a private key stays in DER.</param>
    public static byte[] Format(ReadOnlySpan<byte> material, bool isDer)
    {
        if (isDer || !IsPrivateKey(material)) return material.ToArray();
        var pem = PemEncoding.Write(PrivateKey, material);
        var bytes = Encoding.ASCII.GetBytes([.. pem, '\n']);
        Array.Clear(pem);
        return bytes;
    }

    private static (SecretBytes Material, bool IsPublic) Parse(byte[] content)
    {
        if (!Ascii.IsValid(content)) return (SecretBytes.CopyOf(content), false);
        var text = Encoding.ASCII.GetString(content);
        for (ReadOnlySpan<char> rest = text; PemEncoding.TryFind(rest, out var fields); rest = rest[fields.Location.End..])
        {
            var label = rest[fields.Label].ToString();
            // openssl writes the curve before the key.
            if (label == "EC PARAMETERS") continue;
            var der = Convert.FromBase64String(rest[fields.Base64Data].ToString());
            try
            {
                return Parse(label, der);
            }
            catch (CryptographicException e)
            {
                throw VerbException.Usage($"The {label} of the file cannot be read.", inner: e);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(der);
            }
        }

        return (SecretBytes.CopyOf(content), false);
    }

    private static (SecretBytes Material, bool IsPublic) Parse(string label, byte[] der)
    {
        switch (label)
        {
            case PrivateKey or "EC PRIVATE KEY":
                return (SecretBytes.CopyOf(der), false);
            case PublicKey:
                return (SecretBytes.CopyOf(der), true);
            case "RSA PRIVATE KEY":
                using (var rsa = RSA.Create())
                {
                    rsa.ImportRSAPrivateKey(der, out _);
                    var pkcs8 = rsa.ExportPkcs8PrivateKey();
                    var material = SecretBytes.CopyOf(pkcs8);
                    CryptographicOperations.ZeroMemory(pkcs8);
                    return (material, false);
                }

            case "RSA PUBLIC KEY":
                using (var rsa = RSA.Create())
                {
                    rsa.ImportRSAPublicKey(der, out _);
                    return (SecretBytes.CopyOf(rsa.ExportSubjectPublicKeyInfo()), true);
                }

            case "ENCRYPTED PRIVATE KEY":
                throw VerbException.Usage("The private key is encrypted with a passphrase.", Openssl);
            default:
                throw VerbException.Usage($"The file holds a {TerminalText.Clean(label)}, which is no material.", Openssl);
        }
    }

    private static bool IsPrivateKey(ReadOnlySpan<byte> material)
    {
        try
        {
            // PKCS#8 (RFC 5958, 2): a sequence of the version, the algorithm, and the key.
            AsnDecoder.ReadSequence(material, AsnEncodingRules.DER, out var offset, out var length, out var consumed);
            var inner = material.Slice(offset, length);
            if (consumed != material.Length || !AsnDecoder.TryReadInt32(inner, AsnEncodingRules.DER, out var version, out var read) || version is not (0 or 1)) return false;
            AsnDecoder.ReadSequence(inner[read..], AsnEncodingRules.DER, out _, out _, out _);
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static void RequirePrivate(string path)
    {
        try
        {
            PrivateFile.Open(path, SecretReaders.Group).Dispose();
        }
        catch (OpenToOthersException e)
        {
            throw VerbException.Usage($"Others may read the material in {path}.", $"If nobody did: {e.Remedy}", e);
        }
    }
}
