using System.Buffers;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Tests.Internals;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Target: <see cref="ClientFrames.Judge"/>, which reads what clients send before Orleans does.</summary>
public class ClientFramesFuzz
{
    [Fact]
    public void Judge_HostileBytes_NeverThrows_AndReadsNoFurtherThanTheyGo()
    {
        using var orleans = new OrleansFrames();
        byte[] greeting = orleans.Preamble();
        byte[][] genuine =
        [
            orleans.Describe(), orleans.Encrypt(1), orleans.Encrypt(100), orleans.Manifest(),
            orleans.Create(new Dictionary<string, string> { ["a"] = "b" }),
        ];
        var body = new CallBody([WireFormat.Type("System.Collections.Generic.Dictionary`2[[string],[string]]")], [2]);
        AdmittedMethod Call(string method) => new(WireFormat.Call($"(\"inv\",[GrainRef],[okms.IKeyGrain],\"{method}\")"), 0, body);
        var calls = new AdmittedCalls(
            [
                new(WireFormat.Id("key"u8), false, [new(WireFormat.Id("okms.IKeyGrain"u8), 0, [Call("Describe"), Call("Encrypt"), Call("Create")])]),
                ClientRights.Manifest,
            ]);
        var hostile = new HostileBytes(HostileBytes.Seed);
        var verdicts = new int[4];
        for (var round = 0; round < 5 * HostileBytes.Rounds; round++)
        {
            var frames = new ClientFrames(calls, orleans.Gateway, _ => true);
            var bytes = hostile.Of([greeting]);
            frames.Judge(new(bytes), out _);
            frames.Judge(new(greeting), out _);
            bytes = hostile.Of(genuine);
            var verdict = frames.Judge(new ReadOnlySequence<byte>(bytes), out var length);
            verdicts[(int)verdict]++;
            if (length > bytes.Length || (length > 0) != (verdict is Verdict.Admitted or Verdict.Refused))
            {
                Assert.Fail($"seed {HostileBytes.Seed}, round {round}: {verdict} {length} {Convert.ToHexString(bytes)}");
            }
        }

        // Otherwise the inputs are too hostile, or too tame, to test anything.
        Assert.All(verdicts, count => Assert.InRange(count, HostileBytes.Rounds / 20, 5 * HostileBytes.Rounds));
    }
}
