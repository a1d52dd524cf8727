using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OrleansKms.Files;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Verbs;

/// <summary>Which service a verb calls, and as whom. It does not print: it holds a token.</summary>
internal sealed class ServiceConnection
{
    /// <summary>The service that is called when none is named.</summary>
    public const string DefaultAddress = "http://localhost:8080";

    /// <summary>The token that an all-in-one service has written, seen from the directory in which it was started.</summary>
    public const string LocalTokenFile = "okms-data/admin.token";

    // A JWT is the longest.
    private const int MaxTokenLength = 16 * 1024;
    private const int MaxPemLength = 1024 * 1024;

    private ServiceConnection(Uri address) => Address = address;

    /// <summary>The address of the service; ends in a slash.</summary>
    public Uri Address { get; }

    /// <summary>The token, as it is sent; null without one.</summary>
    public AuthenticationHeaderValue? Authorization { get; private init; }

    /// <summary>Who may sign the service's certificate; null for whom the system trusts.</summary>
    public X509Certificate2Collection? Authorities { get; private init; }

    /// <summary>The client certificate; null without one.</summary>
    public X509Certificate2? Certificate { get; private init; }

    /// <summary>How long to wait for an answer.</summary>
    public TimeSpan Timeout { get; private init; }

    /// <summary>Whether the service runs on this machine.</summary>
    public bool IsLocal => IsLoopback(Address);

    /// <summary>Reads options, environment and files.</summary>
    /// <exception cref="VerbException">Something of them is wrong. It never says what the token is.</exception>
    public static ServiceConnection Read(VerbContext context, ParseResult call)
    {
        var options = context.Options;
        var address = ParseAddress(call.GetValue(options.Url) ?? context.Variable(ClientVariables.Url) ?? DefaultAddress);
        var token = FindToken(context, call.GetValue(options.TokenFile), address);
        if (address.Scheme == Uri.UriSchemeHttp && !IsLoopback(address) && !call.GetValue(options.InsecurePlainHttp))
        {
            throw VerbException.Usage(
                $"Over {address.GetLeftPart(UriPartial.Authority)} everyone on the way could read the token and the data.",
                $"Use https, or add {options.InsecurePlainHttp.Name} where that does not matter.");
        }

        var seconds = call.GetValue(options.Timeout);
        if (seconds is < 1 or > 3600) throw VerbException.Usage($"{options.Timeout.Name} is 1 to 3600 seconds.");
        return new(address)
        {
            Authorization = token is null ? null : new("Bearer", token),
            Authorities = (call.GetValue(options.AuthorityFile) ?? context.Variable(ClientVariables.AuthorityFile)) is { } file ? ReadAuthorities(context.PathOf(file)) : null,
            Certificate = ReadCertificate(context),
            Timeout = TimeSpan.FromSeconds(seconds),
        };
    }

    /// <summary>Parses the address of a service. A path in it is where a proxy has put the service.</summary>
    internal static Uri ParseAddress(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.Host.Length == 0)
        {
            throw VerbException.Usage("The service's address is not one of http or https.", $"Give {ClientVariables.Url} or --url a value like {DefaultAddress}.");
        }

        // A password in an address shows up in lists of processes and in logs.
        if (address.UserInfo.Length > 0) throw VerbException.Usage("The service's address holds a user or password.", "Sign in with a token.");
        if (address.Query.Length > 0 || address.Fragment.Length > 0) throw VerbException.Usage("The service's address has a query or a fragment.", "Leave it out.");
        return address.AbsolutePath.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/");
    }

    private static bool IsLoopback(Uri address) =>
        address.IsLoopback || (IPAddress.TryParse(address.DnsSafeHost, out var ip) && IPAddress.IsLoopback(ip));

    private static string? FindToken(VerbContext context, string? option, Uri address)
    {
        if (option is not null) return ReadToken(context.PathOf(option), "--token-file");
        if (context.Variable(ClientVariables.TokenFile) is { } file) return ReadToken(context.PathOf(file), ClientVariables.TokenFile);
        if (context.Variable(ClientVariables.Token) is { } token) return Check(token, ClientVariables.Token);

        // The administrator's token of this machine's service is for no other.
        var local = context.PathOf(LocalTokenFile);
        return IsLoopback(address) && File.Exists(local) ? ReadToken(local, LocalTokenFile) : null;
    }

    private static string ReadToken(string path, string source)
    {
        try
        {
            // Also a pipe, as <(…) of a shell makes one.
            using var handle = PrivateFile.Open(path, SecretReaders.Group);
            using var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            var content = new byte[MaxTokenLength + 2];
            var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            var text = Encoding.UTF8.GetString(content.AsSpan(0, length));
            CryptographicOperations.ZeroMemory(content);
            return Check(text, source);
        }
        catch (OpenToOthersException e)
        {
            throw VerbException.Usage($"Others may read the token's file {path}.", $"After making sure that nobody did: {e.Remedy}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerbException.Usage($"The token's file {path} cannot be read: {Reason(e)}.", $"{source} names it.", e);
        }
    }

    // What is not a token could be a password in the wrong place, so it is not shown.
    private static string Check(string text, string source)
    {
        var token = text.Trim();
        return token.Length is > 0 and <= MaxTokenLength && token.All(c => c is > ' ' and <= '~')
            ? token
            : throw VerbException.Usage($"{source} holds something else than one token.");
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(ReadPem(path));
        }
        catch (CryptographicException e)
        {
            throw VerbException.Usage($"The file {path} holds no certificates as PEM.", inner: e);
        }

        return authorities.Count > 0 ? authorities : throw VerbException.Usage($"The file {path} holds no certificates as PEM.");
    }

    private static X509Certificate2? ReadCertificate(VerbContext context)
    {
        var (certificate, key) = (context.Variable(ClientVariables.CertificateFile), context.Variable(ClientVariables.KeyFile));
        if (certificate is null && key is null) return null;
        if (certificate is null || key is null) throw VerbException.Usage($"{ClientVariables.CertificateFile} and {ClientVariables.KeyFile} belong together: one of them is missing.");
        try
        {
            using (PrivateFile.Open(context.PathOf(key), SecretReaders.Group))
            {
                return X509Certificate2.CreateFromPem(ReadPem(context.PathOf(certificate)), ReadPem(context.PathOf(key)));
            }
        }
        catch (OpenToOthersException e)
        {
            throw VerbException.Usage($"Others may read the key of the client certificate, {key}.", $"After making sure that nobody did: {e.Remedy}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerbException.Usage($"The key of the client certificate cannot be read: {Reason(e)}.", inner: e);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw VerbException.Usage("The client certificate and its key are not a pair in PEM.", inner: e);
        }
    }

    private static string ReadPem(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MaxPemLength ? File.ReadAllText(path) : throw VerbException.Usage($"The file {path} is too long.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerbException.Usage($"The file {path} cannot be read: {Reason(e)}.", inner: e);
        }
    }

    /// <summary>Why a file cannot be used, without repeating its name.</summary>
    internal static string Reason(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "it does not exist",
        UnauthorizedAccessException => "permission denied",
        _ => e.Message.TrimEnd('.'),
    };
}
