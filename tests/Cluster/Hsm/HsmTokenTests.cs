using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Telemetry;
using OrleansKms.Tests.Cluster.Storage;
using TemporaryDirectory = OrleansKms.Tests.Cluster.Processes.TemporaryDirectory;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Sessions that are lost, calls that hang, and root keys that must not be used.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmTokenTests(SharedToken shared) : IClassFixture<SharedToken>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task SessionClosedBehindItsBack_IsReplaced_AndTheCallerSeesNothing()
    {
        for (var i = 0; i < 20; i++)
        {
            await shared.Token.Run(session => Close(session), default);
            Assert.NotEmpty(await shared.Token.Run(session => session.Find(HsmSession.Objects(CKO.CKO_SECRET_KEY), 10), default));
        }

        Assert.True(shared.Token.IsHealthy);

        static bool Close(HsmSession session)
        {
            session.CloseInCall();
            return true;
        }
    }

    [Fact]
    public async Task Call_IsASpanOfItsCallersTrace_AndSaysIfItFailed()
    {
        using var request = new Activity("request").Start();
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == KmsTraces.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> creation) =>
                creation.Parent.TraceId == request.TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await shared.Token.Run(_ => true, default);
        await Assert.ThrowsAsync<KmsException>(() => shared.Token.Run<bool>(_ => throw new HsmException("It refuses."), default));
        Assert.Equal(
            [("hsm call", request.SpanId, null), ("hsm call", request.SpanId, "hsm_unavailable")],
            spans.Select(span => (span.OperationName, span.ParentSpanId, (string?)span.GetTagItem("error.type"))));
    }

    [Fact]
    public async Task RoomThatIsTooSmall_LeavesNoOperationBehind()
    {
        var id = Guid.NewGuid().ToByteArray();
        await shared.Generate(HsmKeyRules.Aes.NewKey(id, "room"));
        var codes = await shared.Token.Run(
            session =>
            {
                var key = session.FindKey(id)!.Value;
                var parameters = new GcmParameters(new byte[12], []);
                var first = session.TryEncrypt(parameters.Mechanism, key, new byte[64], 10).Answer.Code;
                var second = session.TryEncrypt(parameters.Mechanism, key, new byte[64], 100).Answer.Code;
                GC.KeepAlive(parameters);
                return (first, second);
            },
            default);

        Assert.Equal((CKR.CKR_BUFFER_TOO_SMALL, CKR.CKR_OK), codes);
    }

    [Fact]
    public async Task CallOfTheBackgroundThatHangs_IsGivenUp_AndTheTokenStaysUp()
    {
        var time = new FakeTimeProvider();
        using var token = new HsmToken(SharedToken.Options, time, NullLogger<HsmToken>.Instance, NullLogger<HsmConnection>.Instance);
        await token.Connect(default);
        using var gate = new ManualResetEventSlim();
        try
        {
            Assert.Equal("hsm_unavailable", await HangsIn(token.RunInBackground));
            Assert.True(token.IsHealthy);

            Assert.Equal("hsm_unavailable", await HangsIn(token.Run));
            Assert.False(token.IsHealthy);
        }
        finally
        {
            gate.Set();
        }

        async Task<string> HangsIn(Func<Func<HsmSession, bool>, CancellationToken, Task<bool>> run)
        {
            var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var call = run(
                _ =>
                {
                    began.SetResult();
                    return Wait(gate);
                },
                default);
            await began.Task;
            time.Advance(TimeSpan.FromSeconds(31));
            return (await Assert.ThrowsAsync<KmsException>(() => call)).Code;
        }
    }

    [Fact]
    public async Task CallsThatHang_TimeOut_OthersFailAtOnce_AndTheTokenComesBack()
    {
        using var directory = new TemporaryDirectory();
        var options = SharedToken.Options with { Timeout = TimeSpan.FromMilliseconds(300) };
        await using var silo = await StorageSilo.Start(new KmsStorageOptions { DataDirectory = directory.Path, Hsm = options });
        var token = (HsmToken)silo.Services.GetService(typeof(HsmToken))!;
        using var gate = new ManualResetEventSlim();
        try
        {
            // All threads hang, and then all that replace them.
            for (var round = 0; round < 2; round++)
            {
                var hanging = Enumerable.Range(0, options.Sessions).Select(_ => token.Run(_ => Wait(gate), default)).ToList();
                foreach (var call in hanging)
                {
                    Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => call)).Code);
                }

                await Until(() => token.IsHealthy == (round == 0));
            }

            // No thread is left that could be replaced: calls fail at once, however well the probe is.
            await token.Probe(default);
            Assert.False(token.IsHealthy);
            Assert.Equal("hsm_unavailable", (await Assert.ThrowsAsync<KmsException>(() => token.Run(_ => true, default))).Code);
        }
        finally
        {
            gate.Set();
        }

        await Until(() => token.IsHealthy);
        await Until(async () => await Works(token));
    }

    [Theory]
    [InlineData(CKA.CKA_EXTRACTABLE, true)]
    [InlineData(CKA.CKA_WRAP, true)]
    [InlineData(CKA.CKA_UNWRAP, true)]
    [InlineData(CKA.CKA_SIGN, true)]
    [InlineData(CKA.CKA_DERIVE, true)]
    [InlineData(CKA.CKA_MODIFIABLE, true)]
    [InlineData(CKA.CKA_COPYABLE, true)]
    [InlineData(CKA.CKA_DECRYPT, false)]
    public async Task RootKeyThatMayDoMoreOrLess_IsRefusedByTheAttribute(CKA attribute, bool value)
    {
        var label = "root-" + Guid.NewGuid().ToString("N");
        await shared.Generate(HsmKeyRules.Aes.NewKey(Guid.NewGuid().ToByteArray(), label)
            .Without(attribute).Add(attribute, value));

        Assert.Contains(attribute.ToString(), await Refusal(label), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootKeyOfHalfTheLength_IsRefused()
    {
        var label = "root-" + Guid.NewGuid().ToString("N");
        await shared.Generate(HsmKeyRules.Aes.NewKey(Guid.NewGuid().ToByteArray(), label)
            .Without(CKA.CKA_VALUE_LEN).Add(CKA.CKA_VALUE_LEN, 16UL));

        Assert.Contains("CKA_VALUE_LEN", await Refusal(label), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootKeyThatWasBroughtIn_IsRefused()
    {
        var label = "root-" + Guid.NewGuid().ToString("N");
        SharedToken.Import(HsmKeyRules.Aes.NewKey(Guid.NewGuid().ToByteArray(), label)
            .Without(CKA.CKA_VALUE_LEN).Add(CKA.CKA_VALUE, new byte[32]));

        Assert.Contains("CKA_LOCAL", await Refusal(label), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootKeyOfAnOperator_IsTaken_AndTwoOfThemAreNot()
    {
        var label = "root-" + Guid.NewGuid().ToString("N");
        await shared.Generate(HsmKeyRules.Aes.NewKey(Guid.NewGuid().ToByteArray(), label));
        using (var directory = new TemporaryDirectory())
        {
            await using var silo = await StorageSilo.Start(
                new KmsStorageOptions { DataDirectory = directory.Path, Hsm = SharedToken.WithRootLabel(label) });
            Assert.Equal(1, await silo.Count("okms_root"));
        }

        await shared.Generate(HsmKeyRules.Aes.NewKey(Guid.NewGuid().ToByteArray(), label));
        Assert.Contains("several", await Refusal(label), StringComparison.Ordinal);
    }

    private static async Task<string> Refusal(string label)
    {
        using var directory = new TemporaryDirectory();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo => silo.UseLocalhostClustering().AddKmsStorage(
            new KmsStorageOptions { DataDirectory = directory.Path, Hsm = SharedToken.WithRootLabel(label) }));
        using var host = builder.Build();
        return (await Assert.ThrowsAsync<StartRefusedException>(() => host.StartAsync())).Message;
    }

    private static bool Wait(ManualResetEventSlim gate)
    {
        gate.Wait();
        return true;
    }

    private static async Task<bool> Works(HsmToken token)
    {
        try
        {
            return await token.Run(_ => true, default);
        }
        catch (KmsException)
        {
            return false;
        }
    }

    private static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    private static async Task Until(Func<Task<bool>> condition)
    {
        var waiting = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waiting.Elapsed < Patience);
            await Task.Delay(20);
        }
    }
}
