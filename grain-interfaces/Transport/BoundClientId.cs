using System.Buffers.Text;
using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansKms.Transport;

/// <summary>
/// A client's id that proves its owner: <c>digest.random</c>, where the digest is of the name in the client's certificate. A silo
/// knows only its own connections, and delivers an answer that it made to any client connected to it that announces the id of the
/// receiver, whichever silo the call came through. So each silo must be able to tell by itself that an id is not a stranger's.
/// </summary>
internal static class BoundClientId
{
    private const string AlternativeNames = "2.5.29.17";
    private const char Separator = '.';

    /// <summary>128 bits: another name with the same digest cannot be found.</summary>
    private const int Bytes = 16;

    private static readonly int _length = Base64Url.GetEncodedLength(Bytes);
    private static readonly byte[] _purpose = Encoding.ASCII.GetBytes("okms client id 1\0");

    /// <summary>
    /// The digest of a certificate's name: its subject, or its alternative names if the subject is empty. It stays the same after
    /// a renewal, since a client keeps its id for as long as it runs.
    /// </summary>
    public static string DigestOf(X509Certificate2 certificate)
    {
        var name = certificate.Subject.Length > 0
            ? certificate.SubjectName.RawData
            : certificate.Extensions.FirstOrDefault(extension => extension.Oid?.Value == AlternativeNames)?.RawData ?? [];
        return Base64Url.EncodeToString(SHA256.HashData([.. _purpose, .. name]).AsSpan(0, Bytes));
    }

    /// <summary>Makes a new, unique id.</summary>
    /// <param name="digest">The digest of the name in the client's certificate.</param>
    public static string New(string digest) => $"{digest}{Separator}{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes))}";

    /// <summary>Whether an id is bound to a certificate; ids of clients of an earlier version are not.</summary>
    public static bool IsBound(string id) => id.Length > _length && id[_length] == Separator;

    /// <summary>Whether a bound id belongs to the certificate with this digest.</summary>
    public static bool IsOf(string id, string digest) => IsBound(id) && id.AsSpan(0, _length).SequenceEqual(digest);

    /// <summary>
    /// Gives Orleans' client an id in place of its random one. Orleans has no setting for it: the type is internal, and the id is
    /// set once, when it is made.
    /// </summary>
    /// <exception cref="InvalidOperationException">Orleans has changed this.</exception>
    public static void UseClientId(this IServiceCollection services, string id)
    {
        var details = services.LastOrDefault(service => service.ServiceType.FullName == "Orleans.LocalClientDetails")?.ServiceType;
        var field = details?.GetField("<ClientId>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic);
        var create = field?.FieldType.GetMethod("Create", [typeof(string)]);
        if (details is null || field is null || create is null)
        {
            throw new InvalidOperationException("Internal error: Orleans sets its client's id in an unknown way.");
        }
        var named = create.Invoke(null, [id]);
        services.AddSingleton(details, provider =>
        {
            var made = ActivatorUtilities.CreateInstance(provider, details);
            field.SetValue(made, named);
            return made;
        });
    }
}
