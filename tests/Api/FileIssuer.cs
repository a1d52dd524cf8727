using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace OrleansKms.Tests.Api;

/// <summary>An issuer that nobody can reach: its key set is a file, which is replaced as <c>kubectl get --raw</c> and <c>mv</c> would.</summary>
public sealed class FileIssuer : IDisposable
{
    /// <summary>Its name, the claim <c>iss</c>.</summary>
    public const string Name = "https://file.example";

    /// <summary>The subject of every token.</summary>
    public const string Subject = "system:serviceaccount:shop:cards";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("okms-test-");
    private readonly List<ECDsa> _pairs = [];

    /// <summary>Makes the file, with no keys in it.</summary>
    public FileIssuer() => Publish();

    /// <summary>The issuer among those that a service trusts.</summary>
    public string Setting => $"{Name} audience={TestIssuer.Audience} skew=PT0S jwks={KeySet}";

    private string KeySet => Path.Combine(_directory.FullName, "jwks.json");

    /// <summary>A file of issuers beside the key set.</summary>
    public string FileOf(params string[] issuers)
    {
        var path = Path.Combine(_directory.FullName, "issuers");
        File.WriteAllLines(path, ["# Who is trusted.", .. issuers]);
        return path;
    }

    /// <summary>Another key, which nobody knows of yet.</summary>
    public ECDsaSecurityKey NewKey()
    {
        var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _pairs.Add(pair);
        return new(pair) { KeyId = Guid.NewGuid().ToString("N") };
    }

    /// <summary>Replaces the key set by another.</summary>
    public void Publish(params ECDsaSecurityKey[] keys)
    {
        var set = new JsonObject { ["keys"] = new JsonArray([.. keys.Select(Published)]) };
        File.WriteAllText(KeySet + ".new", set.ToJsonString());
        File.Move(KeySet + ".new", KeySet, overwrite: true);
    }

    /// <summary>Leaves the file as a copy does that has broken off.</summary>
    public void Break() => File.WriteAllText(KeySet, "{\"keys\":[{");

    /// <summary>A token, whether or not its key is in the set.</summary>
    public static string Token(ECDsaSecurityKey key) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Name,
        Audience = TestIssuer.Audience,
        Claims = new Dictionary<string, object> { ["sub"] = Subject, ["jti"] = Guid.NewGuid().ToString() },
        Expires = DateTime.UtcNow.AddHours(1),
        SigningCredentials = new(key, SecurityAlgorithms.EcdsaSha256),
    });

    public void Dispose()
    {
        foreach (var pair in _pairs) pair.Dispose();
        _directory.Delete(recursive: true);
    }

    private static JsonObject Published(ECDsaSecurityKey key)
    {
        var point = key.ECDsa.ExportParameters(includePrivateParameters: false).Q;
        return new()
        {
            ["kty"] = "EC",
            ["crv"] = "P-256",
            ["kid"] = key.KeyId,
            ["x"] = Base64UrlEncoder.Encode(point.X),
            ["y"] = Base64UrlEncoder.Encode(point.Y),
        };
    }
}
