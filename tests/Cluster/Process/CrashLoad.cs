using System.Collections.Concurrent;

namespace OrleansKms.Tests.Cluster.Processes;

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

    /// <summary>Whether the key signs; else it encrypts.</summary>
    public bool Signs { get; init; }

    public ConcurrentBag<(int Version, byte[] Ciphertext, byte[] Plaintext)> Ciphertexts { get; } = [];

    public ConcurrentBag<(int Version, byte[] Signature, byte[] Message)> Signatures { get; } = [];

    /// <summary>Its encryptions, or its signatures.</summary>
    public long Uses => Interlocked.Read(ref _uses);

    /// <summary>The change that was under way when the process died, or null.</summary>
    public string? Pending { get; set; }

    /// <summary>The version whose destruction is pending.</summary>
    public int PendingVersion { get; set; }

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

    private void CountUse(int version)
    {
        UsesOfVersion.AddOrUpdate(version, 1, (_, uses) => uses + 1);
        Interlocked.Increment(ref _uses);
    }
}

/// <summary>
/// Clients that create, rotate, destroy, disable, encrypt and sign until the service dies under them. Each client changes keys of
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
                await Step(http, random, own, $"r{_round}.c{client}.k{own.Count}");
                if (Interlocked.Increment(ref _acknowledged) == _enoughAt) _enough.TrySetResult();
            }
        }
        catch (HttpRequestException)
        {
            // The service is dead, which is what was wanted. An answer with an error is another exception and fails the test.
        }
    }

    private Task Step(HttpClient http, Random random, List<ExpectedKey> own, string nextId)
    {
        var dice = random.Next(100);
        if (own.Count == 0 || dice < 10) return CreateKey(http, own, nextId, signs: protection is null && random.Next(2) == 0);
        if (dice < 30) return EncryptWith(http, random, SharedKey);
        if (dice < 50) return EncryptWith(http, random, SharedRotatingKey);
        var key = own[random.Next(own.Count)];
        if (key.Disabled) return Toggle(http, key);
        if (dice < 62) return RotateKey(http, key);
        if (dice < 70 && OldestLiving(key) is { } version) return DestroyVersion(http, key, version);
        if (dice < 75) return Toggle(http, key);
        return key.Signs ? SignWith(http, random, key) : EncryptWith(http, random, key);
    }

    private async Task CreateKey(HttpClient http, List<ExpectedKey> own, string id, bool signs)
    {
        var key = _keys[id] = new ExpectedKey(id, rotatesByItself: false) { Pending = "create", Signs = signs };
        await http.Create(id, protection: protection, spec: signs ? "ECC_NIST_P256" : null);
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
