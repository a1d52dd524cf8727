using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>
/// Clients that use a cluster through all its gateways while it is hurt. What is answered well is written down and must hold for
/// ever; what is answered with an error, or not at all, is counted as a failure and its outcome is found out before the client
/// goes on. An answer that contradicts an earlier one is a violation.
/// </summary>
internal sealed partial class ClusterLoad(Balancer gateways, string prefix, int seed) : IDisposable
{
    private const int Clients = 8;
    private static readonly TimeSpan _longestRequest = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan _longestStaleness = TimeSpan.FromSeconds(7);

    private readonly ConcurrentDictionary<string, ExpectedKey> _keys = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _aliases = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly CancellationTokenSource _stop = new();
    private Task[] _clients = [];
    private long _acknowledged;
    private int _changes;
    private int _unsettled;
    private volatile bool _onlyUses;
    private int _created;

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>A key that all clients encrypt with.</summary>
    public ExpectedKey Shared { get; } = new(prefix + ".shared", rotatesByItself: false);

    /// <summary>A key that all clients encrypt with and that makes new versions by use.</summary>
    public ExpectedKey SharedRotating { get; } = new(prefix + ".shared-rotating", rotatesByItself: true);

    /// <summary>Makes the keys that all share and lets the clients go.</summary>
    public async Task Start()
    {
        var http = gateways.Next();
        await http.Create(Shared.Id);
        await http.Create(SharedRotating.Id, afterUses: 200);
        _keys[Shared.Id] = Shared;
        _keys[SharedRotating.Id] = SharedRotating;
        _clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(() => RunClient(client)))];
    }

    /// <summary>Waits until so many more requests were answered well: the cluster serves.</summary>
    public async Task UntilProgress(int more)
    {
        var until = Acknowledged + more;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (Acknowledged < until)
        {
            RequireNoViolation();
            Assert.False(_clients.Any(client => client.IsCompleted), "A client has ended.");
            await Task.Delay(50, patience.Token);
        }
    }

    /// <summary>Lets the clients only use keys from here on, and waits until what became of every change is known.</summary>
    public async Task OnlyUse()
    {
        _onlyUses = true;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (Volatile.Read(ref _unsettled) > 0) await Task.Delay(20, patience.Token);
    }

    /// <summary>Lets the clients change keys again.</summary>
    public void ChangeToo() => _onlyUses = false;

    /// <summary>Ends the clients and holds every gateway's answers against what was acknowledged.</summary>
    public async Task StopAndVerify()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        RequireNoViolation();
        foreach (var key in _keys.Values)
        {
            await KeyVerification.Verify(gateways.Next(), key);
            await RequireOnePrimary(key.Id);
        }

        foreach (var (alias, key) in _aliases)
        {
            var answer = await gateways.Next().Send(HttpMethod.Get, $"/v1/aliases/{alias}");
            Assert.Equal(key, answer["key_id"]!.GetValue<string>());
        }
    }

    /// <summary>The encryptions of each key that were acknowledged.</summary>
    public IReadOnlyDictionary<string, long> Encryptions => _keys.Values.ToDictionary(key => key.Id, key => key.Uses);

    public void Dispose() => _stop.Dispose();

    /// <summary>The ids of keys of which an answer contradicted an earlier one.</summary>
    public IEnumerable<string> ViolatedKeys => _violations.Select(v => KeyInPath().Match(v).Groups["id"].Value).Where(id => id.Length > 0).Distinct();

    [GeneratedRegex("/v1/keys/(?<id>[^/:]+)")]
    private static partial Regex KeyInPath();

    private void RequireNoViolation() => Assert.True(_violations.IsEmpty, string.Join('\n', _violations.Take(10)));

    private async Task RequireOnePrimary(string id)
    {
        var seen = new HashSet<int>();
        foreach (var http in gateways.All)
        {
            seen.Add((await http.Describe(id))["primary_version"]!.GetValue<int>());
        }

        Assert.True(seen.Count == 1, $"{id} has the primary versions {string.Join(", ", seen)}.");
    }

    private async Task RunClient(int client)
    {
        var random = new Random(HashCode.Combine(seed, client));
        var own = new List<ExpectedKey>();
        while (!_stop.IsCancellationRequested)
        {
            // Before the look: who waits for changes to end sees this one, or it sees that there is to be none.
            Interlocked.Increment(ref _unsettled);
            var onlyUses = _onlyUses;
            if (onlyUses) Interlocked.Decrement(ref _unsettled);
            try
            {
                await (onlyUses ? UseOne(random, own) : Step(random, own, client));
                Interlocked.Increment(ref _acknowledged);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or UnexpectedAnswerException)
            {
                Judge(e);
                await FindOut(own);
            }
            finally
            {
                if (!onlyUses) Interlocked.Decrement(ref _unsettled);
            }
        }
    }

    private Task UseOne(Random random, List<ExpectedKey> own)
    {
        var dice = random.Next(100);
        var usable = own.Where(key => !key.Disabled).ToList();
        return dice switch
        {
            < 30 => EncryptWith(random, Shared),
            _ when dice < 50 || usable.Count == 0 => EncryptWith(random, SharedRotating),
            < 80 => EncryptWith(random, usable[random.Next(usable.Count)]),
            _ => DecryptAgain(random, usable[random.Next(usable.Count)]),
        };
    }

    private Task Step(Random random, List<ExpectedKey> own, int client)
    {
        var dice = random.Next(100);
        if (own.Count == 0 || dice < 4)
        {
            return CreateKey(own, string.Create(CultureInfo.InvariantCulture, $"{prefix}.c{client}.k{Interlocked.Increment(ref _created)}"));
        }

        var key = own[random.Next(own.Count)];
        return dice switch
        {
            < 25 => EncryptWith(random, Shared),
            < 40 => EncryptWith(random, SharedRotating),
            < 44 => PointAlias(string.Create(CultureInfo.InvariantCulture, $"{prefix}.a{client}"), key),
            < 48 => Change(key, "toggle", http => http.Change(key.Id, key.Disabled ? "enable" : "disable"), _ => key.Disabled = !key.Disabled),
            _ when key.Disabled => Change(key, "toggle", http => http.Change(key.Id, "enable"), _ => key.Disabled = false),
            < 54 => Change(key, "rotate", http => http.Rotate(key.Id), answer => key.PrimaryVersion = answer["primary_version"]!.GetValue<int>()),
            < 57 when key.PrimaryVersion > 1 + key.Destroyed.Count => DestroyOldest(key),
            < 80 => EncryptWith(random, key),
            _ => DecryptAgain(random, key),
        };
    }

    private async Task CreateKey(List<ExpectedKey> own, string id)
    {
        var key = new ExpectedKey(id, rotatesByItself: false) { Pending = "create" };
        own.Add(key);
        await gateways.Next().Create(id);
        key.Pending = null;
        _keys[id] = key;
    }

    private static async Task Acknowledge(HttpClient http, ExpectedKey key, byte[] plaintext)
    {
        var (version, ciphertext) = await http.Encrypt(key.Id, plaintext);
        key.Acknowledge(version, ciphertext, plaintext);
    }

    private Task EncryptWith(Random random, ExpectedKey key)
    {
        var plaintext = new byte[random.Next(1, 300)];
        random.NextBytes(plaintext);
        return Use(() => Acknowledge(gateways.Next(), key, plaintext));
    }

    private Task DecryptAgain(Random random, ExpectedKey key) => Use(() => DecryptOnce(random, key));

    /// <summary>
    /// Uses a key that was enabled. For as long as the fence allows, an activation that was overtaken may still say that the key
    /// is disabled; after that it is a violation.
    /// </summary>
    private async Task Use(Func<Task> use)
    {
        try
        {
            await use();
        }
        catch (UnexpectedAnswerException e) when (e.Code == "key_disabled")
        {
            _failures.Enqueue(e.Message);
            await Task.Delay(_longestStaleness);
            await use();
        }
    }

    private async Task DecryptOnce(Random random, ExpectedKey key)
    {
        if (key.Ciphertexts.Skip(random.Next(Math.Max(1, Math.Min(100, key.Ciphertexts.Count)))).FirstOrDefault() is not { Ciphertext: { } ciphertext } known)
        {
            return;
        }

        var destroyed = key.Destroyed.ContainsKey(known.Version);
        var (plaintext, error) = (await gateways.Next().DecryptAll(key.Id, [ciphertext]))[0];
        if (destroyed ? error != "version_not_usable" : error is null && !known.Plaintext.AsSpan().SequenceEqual(plaintext))
        {
            _violations.Enqueue($"{key.Id} version {known.Version}: {error ?? "a wrong plaintext"}");
        }
        else if (!destroyed && error is not null)
        {
            throw new UnexpectedAnswerException($"{key.Id}: {error}", KmsError.All[error].Status, error);
        }
    }

    private async Task PointAlias(string alias, ExpectedKey key)
    {
        _aliases.TryRemove(alias, out _);
        await gateways.Next().Send(HttpMethod.Put, $"/v1/aliases/{alias}", new JsonObject { ["key_id"] = key.Id });
        _aliases[alias] = key.Id;
    }

    private Task DestroyOldest(ExpectedKey key)
    {
        key.PendingVersion = Enumerable.Range(1, key.PrimaryVersion).First(v => !key.Destroyed.ContainsKey(v));
        return Change(key, "destroy", http => http.DestroyVersion(key.Id, key.PendingVersion), _ => key.Destroyed[key.PendingVersion] = true);
    }

    private async Task Change(ExpectedKey key, string what, Func<HttpClient, Task<JsonObject>> change, Action<JsonObject> note)
    {
        key.Pending = what;
        note(await change(gateways.Next()));
        key.Pending = null;
    }

    private void Judge(Exception failure)
    {
        var code = (failure as UnexpectedAnswerException)?.Code;
        var text = string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm:ss.fff} {failure.Message}");
        if (code is "key_not_found" or "key_corrupted" or "internal" or "invalid_ciphertext" or "version_not_usable"
            or "key_exists" or "key_disabled" or "key_destroyed" or "alias_not_found" or "invalid_request")
        {
            _violations.Enqueue(text);
        }

        _failures.Enqueue(text);
    }

    /// <summary>
    /// Finds out what became of the changes that were not answered. A change may still be on its way for as long as a request may
    /// take, and one that has begun may still be written; so that time is waited out and the key is changed once more: after that
    /// is acknowledged, nothing older can be written any more.
    /// </summary>
    private async Task FindOut(List<ExpectedKey> own)
    {
        foreach (var key in own.Where(k => k.Pending is not null).ToList())
        {
            await Task.Delay(_longestRequest);
            if (await Settle(key) is { } description)
            {
                key.PrimaryVersion = description["primary_version"]!.GetValue<int>();
                key.Disabled = description["state"]!.GetValue<string>() == "disabled";
                foreach (var version in description["versions"]!.AsArray().Where(v => v!["state"]!.GetValue<string>() == "destroyed"))
                {
                    key.Destroyed[version!["version"]!.GetValue<int>()] = true;
                }

                key.Pending = null;
                _keys[key.Id] = key;
            }
            else
            {
                own.Remove(key);
            }
        }
    }

    private async Task<JsonObject?> Settle(ExpectedKey key)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            try
            {
                var mark = Interlocked.Increment(ref _changes).ToString(CultureInfo.InvariantCulture);
                return await gateways.Next().Send(HttpMethod.Patch, $"/v1/keys/{key.Id}", new JsonObject { ["description"] = mark });
            }
            catch (UnexpectedAnswerException e) when (e.Code == "key_not_found" && key.Pending == "create")
            {
                // Nobody was told that it exists. Its number is used up: the attempt may still be on its way.
                return null;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or UnexpectedAnswerException)
            {
                Judge(e);
                await Task.Delay(100, patience.Token);
            }
        }
    }
}
