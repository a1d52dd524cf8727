using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api;

/// <summary>An answer of the service. Every error that it reads is checked to be a problem in the promised form.</summary>
public sealed record Answer(HttpResponseMessage Response, byte[] Body)
{
    public HttpStatusCode Status => Response.StatusCode;

    public JsonNode Json => JsonNode.Parse(Body)!;

    public string? Code => (int)Status >= 400 ? (string?)Json["code"] : null;

    public string Text => Encoding.UTF8.GetString(Body);

    public string Header(string name) =>
        Response.Headers.TryGetValues(name, out var values) || Response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : "";

    public Answer Is(HttpStatusCode status)
    {
        Assert.True(status == Status, $"{Response.RequestMessage?.Method} {Response.RequestMessage?.RequestUri}: {(int)Status} {Text}");
        return this;
    }

    public Answer Is(HttpStatusCode status, string code)
    {
        Is(status);
        Assert.Equal(code, Code);
        return this;
    }

    /// <summary>The form of problems, which holds for every error of every route.</summary>
    public void CheckProblem()
    {
        Assert.Equal("application/problem+json", Response.Content.Headers.ContentType?.ToString());
        var problem = Json.AsObject();
        Assert.Equal(["type", "title", "status", "detail", "code", "request_id"], problem.Select(p => p.Key));
        var code = (string)problem["code"]!;
        var error = Assert.Contains(code, (IReadOnlyDictionary<string, KmsError>)KmsError.All);
        Assert.Equal((int)Status, error.Status);
        Assert.Equal((int)Status, (int)problem["status"]!);
        Assert.Equal("urn:orleans-kms:error:" + code, (string)problem["type"]!);
        Assert.Equal(error.Title, (string)problem["title"]!);
        Assert.Equal(Header("X-Request-Id"), (string)problem["request_id"]!);
        Assert.False(string.IsNullOrEmpty((string)problem["detail"]!));
        foreach (var word in new[] { "System.", "OrleansKms.", "Exception", "JsonElement", "BytePosition", "LineNumber" })
        {
            Assert.DoesNotContain(word, Text, StringComparison.Ordinal);
        }
    }
}

/// <summary>Calls to one running service.</summary>
public class Api : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;
    private readonly (string, string?)[] _environment;
    private ServiceProcess? _service;

    /// <summary>A service with these settings.</summary>
    protected Api(params (string, string?)[] environment) => _environment = environment;

    internal ServiceProcess Service => _service!;

    public HttpClient Http => Service.Http;

    public int Port => Service.Port;

    public string Token => Service.Token;

    public async Task InitializeAsync() => _service = await Start(_directory, _environment);

    public async Task DisposeAsync()
    {
        await Service.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Ends the process by SIGTERM and starts it again over the same data, with other settings if they are given.</summary>
    public async Task Restart(Action? between = null, (string, string?)[]? environment = null)
    {
        await Service.Stop();
        await Service.DisposeAsync();
        between?.Invoke();
        _service = await Start(_directory, environment ?? _environment);
    }

    /// <summary>Starts the service again without some of its keys, of which neither rows nor memory are left.</summary>
    public Task Lose(params IReadOnlyCollection<string> keys) => Restart(() =>
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Service.DataDirectory, "kms.db")};Pooling=False");
        connection.Open();
        foreach (var key in keys)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM okms_row WHERE grain_key = @key";
            command.Parameters.AddWithValue("@key", "=" + key);
            Assert.True(command.ExecuteNonQuery() >= 2, key);
        }
    });

    private protected virtual Task<ServiceProcess> Start(string directory, (string, string?)[] environment) =>
        ServiceProcess.Start(directory, environment);

    public static string NewId() => "t-" + Guid.NewGuid().ToString("N");

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public Task<Answer> Send(HttpRequestMessage request, bool checkProblem = true) => Send(Http, request, checkProblem);

    public static async Task<Answer> Send(HttpClient client, HttpRequestMessage request, bool checkProblem = true)
    {
        var response = await client.SendAsync(request);
        var answer = new Answer(response, await response.Content.ReadAsByteArrayAsync());
        if ((int)answer.Status >= 400 && checkProblem)
        {
            answer.CheckProblem();
        }

        return answer;
    }

    public Task<Answer> Get(string path) => Send(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<Answer> Delete(string path) => Send(new HttpRequestMessage(HttpMethod.Delete, path));

    public Task<Answer> Post(string path) => Send(new HttpRequestMessage(HttpMethod.Post, path));

    public Task<Answer> Post(string path, object body) => PostText(path, JsonSerializer.Serialize(body));

    public Task<Answer> PostText(string path, string body) => Body(HttpMethod.Post, path, Encoding.UTF8.GetBytes(body));

    public Task<Answer> Patch(string path, string body) => Body(HttpMethod.Patch, path, Encoding.UTF8.GetBytes(body));

    public Task<Answer> Put(string path, object body) => Body(HttpMethod.Put, path, JsonSerializer.SerializeToUtf8Bytes(body));

    public Task<Answer> Body(
        HttpMethod method, string path, byte[] body, string? contentType = "application/json", params (string Name, string Value)[] headers)
    {
        var content = new ByteArrayContent(body);
        if (contentType is not null)
        {
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return Send(request);
    }

    public async Task<string> NewKey(object? settings = null)
    {
        var id = NewId();
        var body = JsonSerializer.SerializeToNode(settings ?? new { })!.AsObject();
        body["id"] = id;
        (await PostText("/v1/keys", body.ToJsonString())).Is(HttpStatusCode.Created);
        return id;
    }

    public async Task<byte[]> Encrypt(string id, byte[] plaintext, byte[]? associatedData = null)
    {
        var answer = await Post($"/v1/keys/{id}/encrypt", new { plaintext, associated_data = associatedData });
        return (byte[])answer.Is(HttpStatusCode.OK).Json["ciphertext"].Deserialize<byte[]>()!;
    }
}

/// <summary>A service with default settings, shared by most tests.</summary>
public sealed class DefaultApi : Api
{
    public DefaultApi()
        : base(("OKMS_DASHBOARD", null), ("OKMS_MIN_DELETION_DELAY", "PT0S"))
    {
    }
}

[CollectionDefinition(Name)]
public sealed class DefaultApiCollection : ICollectionFixture<DefaultApi>
{
    public const string Name = "default";
}
