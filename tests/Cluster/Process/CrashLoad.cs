using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>What a key is for, which is also the name of its counter.</summary>
internal enum KeyWork
{
    Encrypt,
    Sign,

    /// <summary>With imported material, so that the test knows what is right.</summary>
    Mac,
}

/// <summary>What one key must be like after a crash: everything acknowledged, and the one change whose answer never came.</summary>
internal sealed class ExpectedKey(string id, bool rotatesByItself)
{
    private long _uses;

    public string Id { get; } = id;

    /// <summary>The service makes versions of this key by itself, so that only those seen in answers are certain.</summary>
    public bool RotatesByItself { get; } = rotatesByItself;

    public int PrimaryVersion { get; set; } = 1;

    public bool Disabled { get; set; }

    public ConcurrentDictionary<int, bool> Destroyed { get; } = new();

    public ConcurrentDictionary<int, long> UsesOfVersion { get; } = new();

    public KeyWork Work { get; init; }

    /// <summary>The material of each version, where it was imported.</summary>
    public ConcurrentDictionary<int, byte[]> Materials { get; } = new();

    public ConcurrentBag<(int Version, byte[] Ciphertext, byte[] Plaintext)> Ciphertexts { get; } = [];

    /// <summary>Its signatures, or its MACs.</summary>
    public ConcurrentBag<(int Version, byte[] Signature, byte[] Message)> Signatures { get; } = [];

    /// <summary>Its encryptions, signatures or MACs.</summary>
    public long Uses => Interlocked.Read(ref _uses);

    /// <summary>The change that was under way when the process died, or null.</summary>
    public string? Pending { get; set; }

    /// <summary>The version whose destruction is pending.</summary>
    public int PendingVersion { get; set; }

    /// <summary>The material whose import is pending.</summary>
    public byte[]? PendingMaterial { get; set; }

    public void Acknowledge(int version, byte[] ciphertext, byte[] plaintext)
    {
        Ciphertexts.Add((version, ciphertext, plaintext));
        CountUse(version);
    }

    public void AcknowledgeSignature(int version, byte[] signature, byte[] message)
    {
        Signatures.Add((version, signature, message));
        CountUse(version);
    }

    public void AcknowledgeMac(int version, byte[] mac, byte[] message)
    {
        Assert.Equal(HMACSHA256.HashData(Materials[version], message), mac);
        AcknowledgeSignature(version, mac, message);
    }

    private void CountUse(int version)
    {
        UsesOfVersion.AddOrUpdate(version, 1, (_, uses) => uses + 1);
        Interlocked.Increment(ref _uses);
    }
}

/// <summary>
/// Clients that create, import, rotate, destroy, disable, encrypt and sign until the service dies under them. Each client changes keys of
/// its own, one request at a time, so that for each key at most one change has an unknown outcome; all of them encrypt with
/// shared keys besides.
/// </summary>
internal sealed class CrashLoad(int seed, string? protection = null)
{
    private const int Clients = 8;

    private readonly ConcurrentDictionary<string, ExpectedKey> _keys = new(StringComparer.Ordinal);
    private TaskCompletionSource _enough = new();
    private int _acknowledged;
    private int _enoughAt;
    private int _round;

    public IEnumerable<ExpectedKey> Keys => _keys.Values;

    public ExpectedKey SharedKey { get; private set; } = null!;

    public ExpectedKey SharedRotatingKey { get; private set; } = null!;

    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>The keys that all clients encrypt with.</summary>
    public async Task CreateSharedKeys(HttpClient http)
    {
        await http.Create("shared", protection: protection);
        await http.Create("shared-rotating", afterUses: 40, protection);
        SharedKey = _keys["shared"] = new ExpectedKey("shared", rotatesByItself: false);
        SharedRotatingKey = _keys["shared-rotating"] = new ExpectedKey("shared-rotating", rotatesByItself: true);
    }

    /// <summary>Loads the service and kills it after a number of acknowledgements, in the middle of the others.</summary>
    public async Task RunUntilKilled(ServiceProcess service, int acknowledgements)
    {
        _round++;
        _enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _enoughAt = _acknowledged + acknowledgements;
        var clients = Enumerable.Range(0, Clients).Select(client => RunClient(service.Http, client)).ToArray();
        var first = await Task.WhenAny([_enough.Task, .. clients]);
        Assert.False(first.IsFaulted, $"{first.Exception?.InnerException}\n{service}");
        Assert.True(first == _enough.Task, $"The service died by itself.\n{service}");
        await service.Kill();
        await Task.WhenAll(clients);
    }

    private async Task RunClient(HttpClient http, int client)
    {
        var random = new Random(HashCode.Combine(seed, _round, client));
        var own = new List<ExpectedKey>();
        try
        {
            while (true)
            {
                await Step(http, random, own, $"r{_round}.c{client}.k{own.Count}", imports: client == 0);
                if (Interlocked.Increment(ref _acknowledged) == _enoughAt) _enough.TrySetResult();
            }
        }
        catch (HttpRequestException)
        {
            // The service is dead, which is what was wanted. An answer with an error is another exception and fails the test.
        }
    }

    private Task Step(HttpClient http, Random random, List<ExpectedKey> own, string nextId, bool imports)
    {
        var dice = random.Next(100);
        if (own.Count == 0 || dice < 10) return CreateKey(http, own, nextId, WorkOfNew(random, imports));
        if (dice < 30) return EncryptWith(http, random, SharedKey);
        if (dice < 50) return EncryptWith(http, random, SharedRotatingKey);
        var key = own[random.Next(own.Count)];
        if (key.Disabled) return Toggle(http, key);
        if (key.PrimaryVersion == 0 || (dice < 53 && key.Work == KeyWork.Mac)) return ImportInto(http, random, key);
        if (dice < 62 && key.Work != KeyWork.Mac) return RotateKey(http, key);
        if (dice < 70 && OldestLiving(key) is { } version) return DestroyVersion(http, key, version);
        if (dice < 75) return Toggle(http, key);
        return key.Work switch
        {
            KeyWork.Sign => SignWith(http, random, key),
            KeyWork.Mac => MacWith(http, random, key),
            _ => EncryptWith(http, random, key),
        };
    }

    // Each import has an RSA key of its own, which takes long to make, so that one client imports and no other.
    private KeyWork WorkOfNew(Random random, bool imports) => protection is not null ? KeyWork.Encrypt : random.Next(3) switch
    {
        0 when imports => KeyWork.Mac,
        0 or 1 => KeyWork.Sign,
        _ => KeyWork.Encrypt,
    };

    private async Task CreateKey(HttpClient http, List<ExpectedKey> own, string id, KeyWork work)
    {
        var imported = work == KeyWork.Mac;
        var key = _keys[id] = new ExpectedKey(id, rotatesByItself: false) { Pending = "create", Work = work, PrimaryVersion = imported ? 0 : 1 };
        var spec = work switch { KeyWork.Sign => "ECC_NIST_P256", KeyWork.Mac => "HMAC_256", _ => null };
        await http.Create(id, protection: protection, spec: spec, origin: imported ? "external" : null);
        key.Pending = null;
        own.Add(key);
    }

    private static async Task EncryptWith(HttpClient http, Random random, ExpectedKey key)
    {
        var plaintext = new byte[random.Next(1, 300)];
        random.NextBytes(plaintext);
        var (version, ciphertext) = random.Next(2) == 0
            ? await http.Encrypt(key.Id, plaintext)
            : await http.EncryptBytes(key.Id, plaintext);
        key.Acknowledge(version, ciphertext, plaintext);
    }

    private static async Task SignWith(HttpClient http, Random random, ExpectedKey key)
    {
        var message = new byte[random.Next(300)];
        random.NextBytes(message);
        var (version, signature) = await http.Sign(key.Id, message);
        key.AcknowledgeSignature(version, signature, message);
    }

    private static async Task MacWith(HttpClient http, Random random, ExpectedKey key)
    {
        var message = new byte[random.Next(300)];
        random.NextBytes(message);
        var (version, mac) = await http.Mac(key.Id, message);
        key.AcknowledgeMac(version, mac, message);
    }

    private static async Task ImportInto(HttpClient http, Random random, ExpectedKey key)
    {
        var material = new byte[32];
        random.NextBytes(material);
        key.PendingMaterial = material;
        key.Pending = "import";
        var answer = await http.Import(key.Id, material);
        key.PrimaryVersion = answer["primary_version"]!.GetValue<int>();
        key.Materials[key.PrimaryVersion] = material;
        key.Pending = null;
    }

    private static async Task RotateKey(HttpClient http, ExpectedKey key)
    {
        key.Pending = "rotate";
        var answer = await http.Rotate(key.Id);
        key.PrimaryVersion = answer["primary_version"]!.GetValue<int>();
        key.Pending = null;
    }

    private static async Task DestroyVersion(HttpClient http, ExpectedKey key, int version)
    {
        key.Pending = "destroy";
        key.PendingVersion = version;
        await http.DestroyVersion(key.Id, version);
        key.Destroyed[version] = true;
        key.Pending = null;
    }

    private static async Task Toggle(HttpClient http, ExpectedKey key)
    {
        key.Pending = "toggle";
        await http.Change(key.Id, key.Disabled ? "enable" : "disable");
        key.Disabled = !key.Disabled;
        key.Pending = null;
    }

    private static int? OldestLiving(ExpectedKey key)
    {
        var version = Enumerable.Range(1, key.PrimaryVersion).First(v => !key.Destroyed.ContainsKey(v));
        return version < key.PrimaryVersion ? version : null;
    }
}
