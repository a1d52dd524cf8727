using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OrleansKms.Configuration;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Transport;

namespace OrleansKms.Gateway.Hosting;

/// <summary>
/// Has clients asked for certificates in TLS handshakes. A client may have none, and signs in by a token then. One that shows a bad
/// certificate gets its connection too, and with it an answer that says what is wrong.
/// </summary>
internal static class ClientCertificates
{
    private const string Kestrel = "Kestrel";
    private const string KestrelMode = ":ClientCertificateMode";
    private const string KestrelUrl = ":Url";

    /// <summary>Refuses a start in which OKMS_CLIENT_CA_FILE would do nothing, or not what it says.</summary>
    /// <exception cref="SettingException">Says why.</exception>
    public static void Check(ConfigurationManager configuration, HttpSettings settings)
    {
        if (settings.ClientAuthorityFile is not { } path) return;
        ClientAuthorities.RequireUsable(path);
        var server = configuration.GetSection(Kestrel).AsEnumerable().Where(one => one.Value is not null).ToList();
        if (!server.Exists(one => IsEnd(one.Key, KestrelUrl) && one.Value!.StartsWith("https:", StringComparison.OrdinalIgnoreCase)))
        {
            throw new SettingException(SettingTable.ClientAuthorityFile, "needs a listener for HTTPS: set Kestrel's Kestrel__Endpoints__….");
        }

        // Kestrel's own check of certificates would come first, against the authorities of the system.
        if (server.Find(one => IsEnd(one.Key, KestrelMode)).Key is { } mode)
        {
            throw new SettingException(
                SettingTable.ClientAuthorityFile, $"replaces {mode.Replace(":", "__", StringComparison.Ordinal)}: remove that setting.");
        }
    }

    /// <summary>Asks for certificates on every listener for HTTPS.</summary>
    public static void Ask(KestrelServerOptions server, ClientAuthorities authorities) => server.ConfigureHttpsDefaults(https =>
        https.OnAuthenticate = (connection, tls) => Ask(connection, tls, authorities.Current));

    private static void Ask(ConnectionContext connection, SslServerAuthenticationOptions tls, TrustedAuthorities authorities)
    {
        tls.ClientCertificateRequired = true;
        tls.CertificateChainPolicy = authorities.PolicyFor(PeerCheck.ClientAuthentication);
        tls.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
        tls.AllowRenegotiation = false;
        // A resumed session would not be checked against today's authorities.
        tls.AllowTlsResume = false;
        tls.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Take(connection, certificate, chain, errors, authorities);
    }

    private static bool Take(
        ConnectionContext connection, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, TrustedAuthorities authorities)
    {
        if (certificate is not X509Certificate2 shown) return true;
        if (ClientCertificate.IsTooLarge(shown, chain)) return false;
        connection.Features.Set(ClientCertificate.Shown(shown, chain, errors, authorities));
        return true;
    }

    private static bool IsEnd(string key, string end) => key.EndsWith(end, StringComparison.OrdinalIgnoreCase);
}
