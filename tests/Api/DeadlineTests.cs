using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Unit.Gateway;

namespace OrleansKms.Tests.Api;

/// <summary>The deadline of a request is one, however many calls it is made of.</summary>
public sealed class DeadlineTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _step = TimeSpan.FromMilliseconds(100);

    public static TheoryData<string, string, string> RequestsByAlias => new()
    {
        { "GET", "/v1/keys/alias:a", "" },
        { "POST", "/v1/keys/alias:a/rotate", "" },
        { "POST", "/v1/keys/alias:a/encrypt", """{"plaintext":"AQ=="}""" },
        { "POST", "/v1/keys/alias:a/encrypt", """{"items":[{"plaintext":"AQ=="}]}""" },
        { "POST", "/encrypt", """{"key_id":"alias:a","plaintext":"AQ=="}""" },
    };

    [Theory]
    [MemberData(nameof(RequestsByAlias))]
    public async Task SlowAlias_ThenSilentKey_IsTimeout_AtTheRequestsDeadline(string method, string path, string body)
    {
        await using var gateway = await SilentGrains.Start(_timeout);
        var (aliasAsked, alias) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource<AliasDescription>());
        gateway.Answers["Resolve"] = () =>
        {
            aliasAsked.SetResult();
            return new ValueTask<AliasDescription>(alias.Task);
        };
        gateway.Answers["Describe"] = gateway.Answers["Rotate"] = () => new TaskCompletionSource<KeyDescription>().Task;
        gateway.Answers["Encrypt"] = () => new ValueTask<Encrypted>(new TaskCompletionSource<Encrypted>().Task);
        gateway.Answers["EncryptBatch"] = () =>
            new ValueTask<ItemResult<Encrypted>[]>(new TaskCompletionSource<ItemResult<Encrypted>[]>().Task);
        var started = gateway.Time.GetUtcNow();

        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body.Length == 0 ? null : new StringContent(body, Encoding.UTF8, "application/json"),
        };
        var sending = gateway.Http.SendAsync(request);
        await aliasAsked.Task;
        gateway.Time.Advance(_timeout - (2 * _step));
        alias.SetResult(new("a", "k", started, started));
        using var answer = await InTime(gateway, sending, since: started);
        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        Assert.Equal("timeout", (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"]!);
    }

    [Theory]
    [InlineData("/v1/batch", """{"operations":[{"op":"encrypt","key_id":"a","plaintext":"AQ=="},{"op":"encrypt","key_id":"b","plaintext":"AQ=="}]}""", "ciphertext")]
    [InlineData("/v1/keys/validate", """{"ids":["a","b"]}""", "valid")]
    [InlineData("/v1/keys", """{"items":[{"id":"a"},{"id":"b"}]}""", "spec")]
    public async Task KeyThatDoesNotAnswer_HidesNoOtherOfItsRequest(string path, string body, string answered)
    {
        await using var gateway = await SilentGrains.Start(_timeout);
        var (asked, last) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        gateway.Answers["Encrypt"] = () => IsFirst()
            ? new ValueTask<Encrypted>(new Encrypted(1, [1]))
            : new ValueTask<Encrypted>(new TaskCompletionSource<Encrypted>().Task);
        gateway.Answers["Validate"] = () => IsFirst()
            ? Task.FromResult(new KeyValidation(true, KeyState.Enabled, null))
            : new TaskCompletionSource<KeyValidation>().Task;
        gateway.Answers["Create"] = () => IsFirst()
            ? Task.FromResult(FakeKey.Of("a"))
            : new TaskCompletionSource<KeyDescription>().Task;
        var sending = gateway.Http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        await last.Task;
        using var answer = await InTime(gateway, sending);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var results = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["results"]!;
        Assert.NotNull(results[0]![answered]);
        Assert.Null(results[0]!["error"]);
        Assert.Equal("timeout", (string)results[1]!["error"]!["code"]!);

        bool IsFirst()
        {
            if (++asked == 1) return true;
            last.SetResult();
            return false;
        }
    }

    [Fact]
    public async Task AliasThatDoesNotAnswer_HidesNoOtherOfItsPage()
    {
        await using var gateway = await SilentGrains.Start(_timeout);
        gateway.Answers["ListAliases"] = () => Task.FromResult(new DirectoryPage(["a", "b"], HasMore: true));
        var now = gateway.Time.GetUtcNow();
        var (asked, last) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        gateway.Answers["Resolve"] = () =>
        {
            if (++asked == 1) return new ValueTask<AliasDescription>(new AliasDescription("a", "k", now, now));
            last.SetResult();
            return new ValueTask<AliasDescription>(new TaskCompletionSource<AliasDescription>().Task);
        };
        var sending = gateway.Http.GetAsync("/v1/aliases");
        await last.Task;
        using var answer = await InTime(gateway, sending);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var page = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("k", (string)page["aliases"]![0]!["key_id"]!);
        Assert.Equal("b", (string)page["aliases"]![1]!["name"]!);
        Assert.Equal("timeout", (string)page["aliases"]![1]!["error"]!["code"]!);
        Assert.NotNull(page["next_cursor"]);
    }

    /// <summary>Lets the clock go on until the request is answered, and no further than twice its time.</summary>
    private static async Task<HttpResponseMessage> InTime(
        SilentGrains gateway, Task<HttpResponseMessage> sending, DateTimeOffset? since = null)
    {
        var started = since ?? gateway.Time.GetUtcNow();
        while (!sending.IsCompleted && gateway.Time.GetUtcNow() - started < 2 * _timeout)
        {
            // Slower than the request goes on, or else the clock would be ahead of it.
            await Task.WhenAny(sending, Task.Delay(_step));
            gateway.Time.Advance(_step);
        }

        Assert.True(sending.IsCompleted, "A call was given more time than the request has.");
        return await sending;
    }
}
