using OrleansKms.Silo.Verbs;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api.Verbs;

/// <summary>The verbs for key-encryption keys.</summary>
public sealed class KekVerbTests(DefaultApi api) : VerbTest(api)
{
    [Fact]
    public async Task Kek_IsRotated_AndTheOldOneDestroyed_OnceNoRowNeedsIt()
    {
        var key = await NewKey();
        var ciphertext = (await Okms($"encrypt {key} x")).Bytes;
        var old = Assert.Single(await Keks(), kek => kek.State == "current").Id;
        Assert.StartsWith("okms: conflict: ", await Fails(ExitCode.Refused, $"kek destroy {old} --yes"), StringComparison.Ordinal);

        var made = (await Okms("kek rotate")).Line;
        Assert.EndsWith("; okms kek list tells how far the rows are", made, StringComparison.Ordinal);
        var next = made["made ".Length..made.IndexOf(';', StringComparison.Ordinal)];
        await Until(async () => (await Keks()).Contains((old, "retired")));
        Assert.Contains((next, "current"), await Keks());
        var line = Assert.Single((await Okms("kek list")).Output.Split('\n'), line => line.StartsWith(old, StringComparison.Ordinal));
        Assert.Contains(", 0 left", line, StringComparison.Ordinal);

        Assert.Contains("--yes", await Fails(ExitCode.Usage, $"kek destroy {old}"), StringComparison.Ordinal);
        (await Shell(isTerminal: true, typed: next).Run("kek", "destroy", old)).Is(ExitCode.Usage);
        Assert.Contains((old, "retired"), await Keks());
        await Until(async () => (await Shell(isTerminal: true, typed: old).Run("kek", "destroy", old)) is { Code: ExitCode.Done, Output: var said } && said.EndsWith($"destroyed {old}\n", StringComparison.Ordinal));
        Assert.Contains((old, "destroyed"), await Keks());
        Assert.Equal("okms: not_found: There is no such KEK.", await Fails(ExitCode.NotFound, $"kek destroy {old} --yes"));
        Assert.StartsWith("okms: conflict: ", await Fails(ExitCode.Refused, $"kek destroy {next} --yes"), StringComparison.Ordinal);

        Assert.Contains("1 of 1", (await Okms("root status")).Output, StringComparison.Ordinal);
        Assert.Equal("x", (await Okms("decrypt", ciphertext)).Line);
    }

    [Fact]
    public async Task Keks_AreForAdministrators()
    {
        var user = await SignUp("key-user");
        foreach (var verb in (string[])["kek list", "kek rotate", "kek destroy 0123456789abcdef0123456789abcdef --yes", "root status"])
        {
            Assert.StartsWith("okms: permission_denied: ", (await Shell(user).Run(verb.Split(' '))).Fails(ExitCode.Permission), StringComparison.Ordinal);
        }
    }

    // What a person reads: id and state are the first columns.
    private async Task<List<(string Id, string State)>> Keks() =>
    [
        .. (await Okms("kek list")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(columns => (columns[0], columns[1])),
    ];

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested);
            await Task.Delay(50);
        }
    }
}
