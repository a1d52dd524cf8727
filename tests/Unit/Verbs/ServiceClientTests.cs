using OrleansKms.Silo.Verbs;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>Calls of services that answer badly.</summary>
public sealed class ServiceClientTests : IDisposable
{
    private const string Key = """{"id":"k","state":"enabled","usage":"encrypt_decrypt","primary_version":2,"versions":[]}""";
    private const string Ciphertext = """{"key_id":"k","key_version":1,"ciphertext":"AQ=="}""";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-client-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(400, "invalid_parameter", ExitCode.Refused)]
    [InlineData(401, "unauthenticated", ExitCode.Permission)]
    [InlineData(403, "permission_denied", ExitCode.Permission)]
    [InlineData(404, "key_not_found", ExitCode.NotFound)]
    [InlineData(409, "key_disabled", ExitCode.Refused)]
    [InlineData(422, "wrong_key_usage", ExitCode.Refused)]
    [InlineData(500, "internal", ExitCode.Refused)]
    [InlineData(504, "timeout", ExitCode.TryLater)]
    public async Task Problem_IsOneLine_AndAnExitCode(int status, string code, int exit)
    {
        var (line, requests) = await Fails(exit, ["keys", "show", "k"], StubService.Problem(status, code));
        Assert.StartsWith($"okms: {code}: It is so.", line, StringComparison.Ordinal);
        Assert.Equal("GET /v1/keys/k HTTP/1.1", Assert.Single(requests).Line);
        Assert.Equal(status == 500, line.Contains("r1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EveryErrorOfTheContract_HasAnExitCode()
    {
        foreach (var error in KmsError.All.Values.Where(error => error.Status is >= 400 and not (429 or 503)))
        {
            using var service = new StubService(StubService.Problem(error.Status, error.Code));
            var result = await Shell(service).Run("keys", "show", "k");
            Assert.StartsWith($"okms: {error.Code}: ", result.Errors, StringComparison.Ordinal);
            Assert.NotEqual(ExitCode.Unreachable, result.Code);
        }
    }

    [Fact]
    public async Task Detail_WithEscapeSequences_IsNotPrintedRaw()
    {
        var (line, _) = await Fails(ExitCode.NotFound, ["keys", "show", "k"], StubService.Problem(404, "key_not_found", "\\u001b[2J\\nokms: all is well\\u202e"));
        Assert.Contains("\\u{1b}[2J\\nokms: all is well\\u{202e}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_WithEscapeSequences_AreNotPrintedRaw()
    {
        using var service = new StubService(StubService.Json(200, """{"keys":[{"id":"a\u001b[2J\nb","state":"\u009bx","spec":"s","usage":"u"}]}"""));
        var result = (await Shell(service).Run("keys", "list")).Is(0);
        Assert.Equal(2, result.Output.Count(c => c == '\n'));
        Assert.DoesNotContain(result.Output, c => char.IsControl(c) && c != '\n');
        Assert.Contains("a\\u{1b}[2J\\nb", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_IsAsTheServiceAnswers_AndEscapedForATerminal()
    {
        var body = "{\"principal\":\"\u009bevil\",  \"policies\":[]}";
        using var service = new StubService(StubService.Json(200, body), StubService.Json(200, body));
        Assert.Equal(body + "\n", (await Shell(service).Run("whoami", "--json")).Is(0).Output);
        var terminal = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { IsTerminal = true };
        Assert.Equal("{\n  \"principal\": \"\\u009Bevil\",\n  \"policies\": []\n}\n", (await terminal.Run("whoami", "--json")).Is(0).Output);
    }

    [Fact]
    public async Task Use_IsSentAgain_AfterWhatMayPass()
    {
        var (result, requests) = await Run(["encrypt", "k", "hello"],
            StubService.Problem(503, "overloaded", headers: "Retry-After: 0\r\n"), "", StubService.Problem(429, "rate_limited", headers: "Retry-After: 0\r\n"), StubService.Json(200, Ciphertext));
        Assert.Equal("AQ==\n", result.Is(0).Output);
        Assert.Equal(4, requests.Count);
        Assert.All(requests, request => Assert.Equal("""{"plaintext":"aGVsbG8="}""", request.Body));
    }

    [Theory]
    [InlineData(503, "storage_unavailable")]
    [InlineData(504, "timeout")]
    public async Task Change_IsNotSentAgain_WhereItMayHaveBeenMade(int status, string code)
    {
        var (_, requests) = await Fails(ExitCode.TryLater, ["keys", "rotate", "k"], StubService.Problem(status, code, headers: "Retry-After: 0\r\n"), StubService.Json(200, Key));
        Assert.Single(requests);
    }

    [Fact]
    public async Task Change_ThatWasNotBegun_IsSentAgain()
    {
        var (result, requests) = await Run(["keys", "rotate", "k"], StubService.Problem(429, "rate_limited", headers: "Retry-After: 0\r\n"), StubService.Json(200, Key));
        Assert.Contains("Old ciphertexts still decrypt", result.Is(0).Output, StringComparison.Ordinal);
        Assert.Equal(2, requests.Count);
    }

    [Fact]
    public async Task Wait_ThatIsLong_IsTheCallers()
    {
        var (line, requests) = await Fails(ExitCode.TryLater, ["encrypt", "k", "hello"], StubService.Problem(429, "rate_limited", "Wait an hour.", headers: "Retry-After: 3600\r\n"));
        Assert.Equal("okms: rate_limited: Wait an hour.", line);
        Assert.Single(requests);
    }

    [Fact]
    public async Task Change_WhoseAnswerIsLost_SaysThatItMayHaveBeenMade()
    {
        var (line, requests) = await Fails(ExitCode.Unreachable, ["keys", "rotate", "k"], "");
        Assert.Contains("A change may have been made", line, StringComparison.Ordinal);
        Assert.Single(requests);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 500 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")]
    public async Task AnotherServer_IsToldFromOurs_AndRedirectsNobody(string answer)
    {
        var (line, requests) = await Fails(ExitCode.Unreachable, ["keys", "show", "k"], answer);
        Assert.StartsWith("okms: not_okms: http://127.0.0.1:", line, StringComparison.Ordinal);
        Assert.Single(requests);
    }

    [Theory]
    [InlineData("encrypt k hello", "{}")]
    [InlineData("verify k hello --signature AQ==", "{\"valid\":\"true\"}")]
    [InlineData("decrypt AQEAAAAHA2tleQ==", "{\"plaintext\":\"not base64!\"}")]
    public async Task Answer_WithoutWhatItIsFor_IsNoSuccess(string arguments, string answer)
    {
        var (line, _) = await Fails(ExitCode.Unreachable, arguments.Split(' '), StubService.Json(200, answer));
        Assert.StartsWith("okms: unreadable_answer: ", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approval_ThatIsWaitedFor_IsNotDone()
    {
        var approval = """{"approval_id":"k.1","state":"pending","key_id":"k","operation":"disable","required":2,"approvals":[]}""";
        var (line, _) = await Fails(ExitCode.Pending, ["keys", "disable", "k"], StubService.Json(202, approval));
        Assert.Equal("okms: approval_pending: Nothing was done yet: disable of k waits for 2 to approve. Others approve with: okms approval approve k.1", line);
        var (result, _) = await Run(["keys", "disable", "k", "--json"], StubService.Json(202, approval));
        Assert.Equal(approval + "\n", result.Is(ExitCode.Pending).Output);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    public async Task Id_ThatLeadsElsewhere_IsNotSent(string id)
    {
        var (_, requests) = await Fails(ExitCode.Usage, ["keys", "show", id]);
        Assert.Empty(requests);
    }

    [Theory]
    [InlineData("a/../b", "a%2F..%2Fb")]
    [InlineData("a?x=1#y", "a%3Fx%3D1%23y")]
    [InlineData("alias:a", "alias:a")]
    [InlineData("a b\n", "a%20b%0A")]
    public async Task Id_IsOneSegment(string id, string segment)
    {
        var (_, requests) = await Run(["keys", "show", id], StubService.Problem(400, "invalid_key_id"));
        Assert.Equal($"GET /v1/keys/{segment} HTTP/1.1", Assert.Single(requests).Line);
    }

    [Fact]
    public async Task List_TakesAllPages_InOneAnswer()
    {
        string[] pages = [StubService.Json(200, """{"keys":[{"id":"a"},{"id":"b"}],"next_cursor":"c1"}"""), StubService.Json(200, """{"keys":[{"id":"c"}]}""")];
        var (result, requests) = await Run(["keys", "list", "--ids"], pages);
        Assert.Equal("a\nb\nc\n", result.Is(0).Output);
        Assert.Equal(["GET /v1/keys?limit=1000 HTTP/1.1", "GET /v1/keys?limit=1000&cursor=c1 HTTP/1.1"], requests.Select(request => request.Line));
        (result, _) = await Run(["keys", "list", "--ids", "--json"], pages);
        Assert.Equal("""{"keys":[{"id":"a"},{"id":"b"},{"id":"c"}]}""" + "\n", result.Is(0).Output);
        (result, requests) = await Run(["keys", "list", "--ids", "--limit", "2"], pages);
        Assert.Equal(("a\nb\n", "There are more: go on with --cursor c1\n"), (result.Is(0).Output, result.Errors));
        Assert.Equal("GET /v1/keys?limit=2 HTTP/1.1", Assert.Single(requests).Line);
        (result, _) = await Run(["keys", "list", "--ids", "--limit", "2", "--json"], pages);
        Assert.Equal("""{"keys":[{"id":"a"},{"id":"b"}],"next_cursor":"c1"}""" + "\n", result.Is(0).Output);
    }

    [Fact]
    public async Task Destruction_AsksForTheId_AndTakesNoOther()
    {
        foreach (var (typed, deleted) in ((string?, bool)[])[("k", true), (" k ", true), ("y", false), ("", false), (null, false), ("K", false)])
        {
            using var service = new StubService(StubService.Json(200, Key));
            var shell = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { IsTerminal = true, Typed = typed };
            var result = (await shell.Run("keys", "delete", "k")).Is(deleted ? 0 : ExitCode.Usage);
            Assert.Contains("Type k to go on: ", result.Errors, StringComparison.Ordinal);
            Assert.Equal(deleted ? 1 : 0, service.Requests.Count);
        }

        // Nobody to ask.
        var (line, requests) = await Fails(ExitCode.Usage, ["keys", "delete", "k"]);
        Assert.Contains("--yes", line, StringComparison.Ordinal);
        Assert.Empty(requests);
    }

    [Fact]
    public async Task Destruction_ByAlias_AsksForTheKeysId_AndMeansThatKey()
    {
        using var service = new StubService(StubService.Json(200, """{"name":"a","key_id":"k"}"""), StubService.Json(200, Key));
        var shell = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { IsTerminal = true, Typed = "k" };
        (await shell.Run("keys", "delete", "alias:a")).Is(0);
        Assert.Equal(["GET /v1/aliases/a HTTP/1.1", "POST /v1/keys/k/schedule-deletion HTTP/1.1"], service.Requests.Select(request => request.Line));
    }

    [Theory]
    [InlineData("AAEC", "is not text")]
    [InlineData("G1syShs=", "is not text")]
    public async Task Plaintext_ThatIsNoText_IsNotWrittenToATerminal(string plaintext, string reason)
    {
        using var service = new StubService(StubService.Json(200, $$"""{"kind":"data","plaintext":"{{plaintext}}"}"""), StubService.Json(200, $$"""{"kind":"data","plaintext":"{{plaintext}}"}"""));
        var shell = new VerbShell(_folder.FullName, ("OKMS_URL", service.Url)) { IsTerminal = true };
        Assert.Contains(reason, (await shell.Run("decrypt", "AQEAAAAHA2tleQ==")).Fails(ExitCode.Usage), StringComparison.Ordinal);
        Assert.Equal(Convert.FromBase64String(plaintext), (await Shell(service).Run("decrypt", "AQEAAAAHA2tleQ==")).Is(0).Bytes);
    }

    private async Task<(string Line, IReadOnlyCollection<StubRequest> Requests)> Fails(int exit, string[] arguments, params string[] answers)
    {
        var (result, requests) = await Run(arguments, answers);
        return (result.Fails(exit), requests);
    }

    private async Task<(VerbResult Result, IReadOnlyCollection<StubRequest> Requests)> Run(string[] arguments, params string[] answers)
    {
        using var service = new StubService(answers);
        return (await Shell(service).Run(arguments), service.Requests);
    }

    private VerbShell Shell(StubService service) => new(_folder.FullName, ("OKMS_URL", service.Url));
}
