using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Unit.Gateway;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>
/// A gateway without silos, at which anyone signs in whose policies are known by a token. Its grains count their calls and know the keys
/// and aliases that a test names; every operation on a key that is let through is <c>key_disabled</c>, or <c>key_not_found</c>.
/// </summary>
public sealed class PolicyGateway : IAsyncLifetime
{
    // What a gateway asks by itself, again and again.
    private static readonly Type[] _ofTheGateway =
        [typeof(IAccessGrain), typeof(IAccessFactsGrain), typeof(ITokenUsesGrain), typeof(ILimitGrain), typeof(INamespaceLimitsGrain)];

    private readonly ConcurrentDictionary<string, Principal> _principals = new(StringComparer.Ordinal);
    private WebApplication? _app;

    /// <summary>Keys that exist, in order.</summary>
    internal SortedDictionary<string, KeyFacts> Keys { get; } = new(StringComparer.Ordinal);

    /// <summary>Aliases and their keys.</summary>
    internal SortedDictionary<string, string> Aliases { get; } = new(StringComparer.Ordinal);

    /// <summary>Calls of grains so far: the method and the grain's key.</summary>
    internal ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The last message of each method.</summary>
    internal ConcurrentDictionary<string, object?> Messages { get; } = new(StringComparer.Ordinal);

    private HttpClient Http { get; set; } = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(FakeGrain.Of<IGrainFactory>((method, args) => Grain(method.ReturnType, args![0])));
        builder.Services.AddKmsGateway(new() { AdministratorTokenSha256 = new byte[32] });
        builder.Services.AddSingleton<IPrincipalSource>(new Source(_principals));
        _app = builder.Build();
        _app.MapKmsGateway();
        await _app.StartAsync();
        var address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Http = new HttpClient { BaseAddress = new Uri(address) };
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>Signs in whoever has these statements. The answer is a token.</summary>
    internal string SignIn(params PolicyStatement[] statements) => SignIn(new List<Policy> { new("test", statements) });

    /// <summary>Signs in whoever has these policies. The answer is a token.</summary>
    internal string SignIn(IEnumerable<Policy> policies)
    {
        var token = Guid.NewGuid().ToString("N");
        Policy[] all = [.. policies];
        var facts = new PrincipalFacts { Name = "p-" + token, IsEnabled = true, Policies = all, Limits = [] };
        _principals[token] = new(facts, CompiledPolicies.Of(all), "token:" + token, expiresAt: null);
        return token;
    }

    /// <summary>Sends a request.</summary>
    internal async Task<(int Status, JsonNode? Json)> Send(string token, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    private object Grain(Type type, object? key) => FakeGrain.Of(type, (method, args) =>
    {
        // Refusals are kept in the audit trail, whatever was asked for.
        if (type == typeof(IAuditGrain) && method.ReturnType == typeof(Task)) return Task.CompletedTask;
        if (!_ofTheGateway.Contains(type) && method.Name != nameof(IPrincipalsGrain.Changes)) Calls.Enqueue($"{method.Name} {key}");
        Messages[method.Name] = args![0];
        return method.Name switch
        {
            nameof(IDirectoryGrain.ListKeys) => Task.FromResult(Page(Keys.Keys, (DirectoryQuery)args[0]!)),
            nameof(IDirectoryGrain.ListAliases) => Task.FromResult(Page(Aliases.Keys, (DirectoryQuery)args[0]!)),
            nameof(IAliasGrain.Resolve) => Aliases.TryGetValue((string)key!, out var named)
                ? (object)new ValueTask<AliasDescription>(new AliasDescription((string)key!, named, default, default))
                : Failed(method.ReturnType, KmsError.AliasNotFound.Exception()),
            nameof(IKeyPolicyGrain.ReadFacts) => Keys.TryGetValue((string)key!, out var facts)
                ? Task.FromResult(facts)
                : Task.FromException<KeyFacts>(KmsError.KeyNotFound.Exception()),
            nameof(IKeyGrain.EncryptBatch) => new ValueTask<ItemResult<Encrypted>[]>(
                Array.ConvertAll(((EncryptBatch)args[0]!).Items, _ => new ItemResult<Encrypted>(new(1, [1]), null))),
            nameof(IKeyGrain.DecryptBatch) => new ValueTask<ItemResult<Decrypted>[]>(
                Array.ConvertAll(((DecryptBatch)args[0]!).Items, _ => new ItemResult<Decrypted>(new(1, CiphertextKind.Data, [1]), null))),
            _ => Failed(method.ReturnType, (Keys.ContainsKey(key as string ?? "") ? KmsError.KeyDisabled : KmsError.KeyNotFound).Exception()),
        };
    });

    private static DirectoryPage Page(IEnumerable<string> names, DirectoryQuery query)
    {
        var found = names
            .Where(name => name.StartsWith(query.Prefix, StringComparison.Ordinal) && (query.After is null || string.CompareOrdinal(name, query.After) > 0))
            .Take(query.Limit + 1).ToList();
        Assert.True(query.After is null || KeyId.IsValid(query.After));
        return new([.. found.Take(query.Limit)], found.Count > query.Limit);
    }

    // A task of whatever the method answers, that has failed.
    private static object Failed(Type type, KmsException failure) => type == typeof(Task) ? Task.FromException(failure)
        : typeof(PolicyGateway).GetMethod(type.GetGenericTypeDefinition() == typeof(Task<>) ? nameof(FailedTask) : nameof(FailedValueTask), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type.GetGenericArguments()[0]).Invoke(null, [failure])!;

    private static Task<T> FailedTask<T>(Exception failure) => Task.FromException<T>(failure);

    private static ValueTask<T> FailedValueTask<T>(Exception failure) => ValueTask.FromException<T>(failure);

    private sealed class Source(ConcurrentDictionary<string, Principal> principals) : IPrincipalSource
    {
        public bool IsReady => true;

        public Principal? Find(ReadOnlySpan<char> token) => principals.GetValueOrDefault(token.ToString());
    }
}
