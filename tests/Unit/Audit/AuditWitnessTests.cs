using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Org.BouncyCastle.Math.EC.Rfc8032;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>A witness cosigns what only grew, and nothing else (c2sp.org/tlog-witness).</summary>
public sealed class AuditWitnessTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-witness-");

    private TrailFolder Folder => new(Path.Combine(_root.FullName, "log"));

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task Checkpoints_AreCosigned_AsTheLogGrows_AndVerify()
    {
        await using var witness = new SmallWitness();
        using var asking = Asking(witness);
        await using var trail = Open();
        for (var size = 1; size < 2000; size = (size * 3) + 1)
        {
            while (trail.Records < size) await trail.Append("\"n\":1"u8);
            await trail.SignNow();
            await asking.Ask(Folder, default);
            var kept = Folder.ReadWitnessed()!;
            Assert.NotNull(SmallWitness.Key.Verify(kept));
            Assert.NotNull(trail.Key.Verify(kept));
            Assert.Equal(size, Checkpoint.Parse(kept.Text)!.Size);
        }

        var asked = witness.Asked;
        await asking.Ask(Folder, default);
        Assert.Equal(asked, witness.Asked);
        Assert.Equal(TrailFault.None, new TrailVerifier(Folder, trail.Key).Verify().Fault);
    }

    [Fact]
    public async Task SizeThatTheWitnessKnowsBetter_IsTaken()
    {
        await using var witness = new SmallWitness();
        await using var trail = Open();
        for (var i = 0; i < 300; i++) await trail.Append("\"n\":1"u8);
        await trail.SignNow();
        using (var asking = Asking(witness)) await asking.Ask(Folder, default);

        // What this folder remembered is gone.
        File.Delete(Path.Combine(Folder.Path, "checkpoint.witnessed"));
        for (var i = 0; i < 300; i++) await trail.Append("\"n\":1"u8);
        await trail.SignNow();
        using (var asking = Asking(witness)) await asking.Ask(Folder, default);
        Assert.Equal(600, Checkpoint.Parse(Folder.ReadWitnessed()!.Text)!.Size);
    }

    [Fact]
    public async Task LogThatWasWrittenAnew_IsNotCosigned()
    {
        await using var witness = new SmallWitness();
        using var asking = Asking(witness);
        await using (var trail = Open())
        {
            for (var i = 0; i < 300; i++) await trail.Append("\"n\":1"u8);
            await trail.SignNow();
            await asking.Ask(Folder, default);
        }

        var kept = await File.ReadAllBytesAsync(Path.Combine(Folder.Path, "checkpoint.witnessed"));
        Directory.Delete(Folder.Path, recursive: true);
        await using (var trail = Open())
        {
            for (var i = 0; i < 400; i++) await trail.Append("\"n\":2"u8);
            await trail.SignNow();
            await Assert.ThrowsAsync<HttpRequestException>(() => asking.Ask(Folder, default));
            Assert.Null(Folder.ReadWitnessed());
        }

        // And whoever has what it signed before finds it out.
        await File.WriteAllBytesAsync(Path.Combine(Folder.Path, "checkpoint.witnessed"), kept);
        Assert.Equal(TrailFault.Rewritten, new TrailVerifier(Folder, Folder.ReadKey()!).Verify().Fault);
    }

    [Fact]
    public async Task WitnessThatIsAway_IsAskedAgain_AndAnswerOfAnotherKey_IsNotKept()
    {
        await using var witness = new SmallWitness();
        await using var trail = Open();
        await trail.Append("\"n\":1"u8);
        await trail.SignNow();
        using var wrong = new AuditWitness(new(witness.Address, SmallWitness.KeyOf(9).ToString()), TimeProvider.System, NullLogger.Instance);
        await Assert.ThrowsAsync<HttpRequestException>(() => wrong.Ask(Folder, default));

        witness.IsAway = true;
        using var stopping = new CancellationTokenSource();
        using var asking = Asking(witness);
        var run = asking.Run(Folder, stopping.Token);
        await witness.UntilAsked(2);
        witness.IsAway = false;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (Folder.ReadWitnessed() is null)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        await stopping.CancelAsync();
        await run;
    }

    [Theory]
    [InlineData("https://witness.example")]
    [InlineData("ftp://witness.example KEY")]
    [InlineData("https://witness.example no+key")]
    public void Options_ThatAreNone_AreRefused(string text) =>
        Assert.ThrowsAny<FormatException>(() => WitnessOptions.Parse(text.Replace("KEY", SmallWitness.KeyOf(5).ToString(), StringComparison.Ordinal)));

    private static AuditWitness Asking(SmallWitness witness) =>
        new(WitnessOptions.Parse($"{witness.Address} {SmallWitness.Key}"), TimeProvider.System, NullLogger.Instance);

    private AuditTrail Open() => AuditTrail.Open(
        Folder, SignedNoteTests.Signer("okms.example/log", 7), new() { Every = TimeSpan.FromDays(1) }, TimeProvider.System, NullLogger<AuditTrail>.Instance);

    /// <summary>A witness of any log, in memory.</summary>
    private sealed class SmallWitness : IAsyncDisposable
    {
        private readonly HttpListener _http = new();
        private readonly Dictionary<string, Checkpoint> _seen = [];
        private readonly Task _serving;
        private int _asked;

        public SmallWitness()
        {
            using (var probe = new TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                Address = new($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/w/");
            }

            _http.Prefixes.Add(Address.ToString());
            _http.Start();
            _serving = Serve();
        }

        public Uri Address { get; }

        public static NoteVerifier Key => KeyOf(5);

        public bool IsAway { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        public static NoteVerifier KeyOf(byte seed)
        {
            var key = new byte[32];
            Ed25519.GeneratePublicKey(Seed(seed), 0, key, 0);
            return new("witness.example/w", key, NoteVerifier.Cosignature);
        }

        public async Task UntilAsked(int times)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (Asked < times)
            {
                patience.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        public async ValueTask DisposeAsync()
        {
            _http.Stop();
            await _serving;
        }

        private static byte[] Seed(byte seed) => [.. Enumerable.Repeat(seed, 32)];

        private async Task Serve()
        {
            try
            {
                while (true)
                {
                    var call = await _http.GetContextAsync();
                    using var reader = new StreamReader(call.Request.InputStream);
                    var (status, text) = Answer(await reader.ReadToEndAsync());
                    call.Response.StatusCode = status;
                    await call.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(text));
                    call.Response.Close();
                    Interlocked.Increment(ref _asked);
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // It is stopped.
            }
        }

        private (int, string) Answer(string body)
        {
            if (IsAway) return (503, "");
            var end = body.IndexOf("\n\n", StringComparison.Ordinal);
            var lines = body[..end].Split('\n');
            var note = SignedNote.Parse(Encoding.UTF8.GetBytes(body[(end + 2)..]))!;
            var (old, next) = (long.Parse(lines[0]["old ".Length..], CultureInfo.InvariantCulture), Checkpoint.Parse(note.Text)!);
            var known = _seen.GetValueOrDefault(next.Origin) ?? new(next.Origin, 0, TreeHash.Empty);
            if (old != known.Size) return (409, string.Create(CultureInfo.InvariantCulture, $"{known.Size}\n"));
            var proof = lines[1..].Select(line => TreeHash.TryParse(line, out var hash) ? hash : throw new FormatException()).ToList();
            if (!MerkleTree.IsConsistent(old, known.Root, next.Size, next.Root, proof)) return (422, "");
            _seen[next.Origin] = next;
            var signature = new byte[8 + 64];
            BinaryPrimitives.WriteUInt64BigEndian(signature, 1_700_000_000);
            var message = Encoding.UTF8.GetBytes($"cosignature/v1\ntime 1700000000\n{note.Text}");
            Ed25519.Sign(Seed(5), 0, message, 0, message.Length, signature, 8);
            return (200, new NoteSignature(Key.Name, Key.KeyId, signature) + "\n");
        }
    }
}
