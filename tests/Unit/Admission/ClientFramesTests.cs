using System.Buffers;
using System.Buffers.Binary;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Tests.Internals;

namespace OrleansKms.Tests.Unit.Admission;

/// <summary>
/// What is known of Orleans' wire format, against what Orleans writes. When these fail after a change of Orleans' version, read what has
/// changed in its MessageSerializer and ConnectionPreamble before the format here follows.
/// </summary>
public sealed class ClientFramesTests : IDisposable
{
    private readonly OrleansFrames _orleans = new();

    public void Dispose() => _orleans.Dispose();

    [Fact]
    public void WhatAClientSends_IsAdmitted()
    {
        var frames = Greeted();
        foreach (var frame in Genuine())
        {
            Assert.Equal((Verdict.Admitted, frame.Length, ""), Judge(frames, frame));
        }
    }

    [Fact]
    public void WhatAClientSends_IsIncompleteUntilItIsWhole_AndTheSameInTwoPieces()
    {
        foreach (var frame in Genuine())
        {
            for (var at = 0; at < frame.Length; at += frame.Length > 2000 ? 97 : 1)
            {
                var frames = Greeted();
                Assert.Equal(Verdict.Incomplete, frames.Judge(new(frame.AsMemory(0, at)), out _));
                Assert.Equal(Verdict.Admitted, frames.Judge(InTwo(frame, at), out var length));
                Assert.Equal(frame.Length, length);
            }
        }
    }

    [Fact]
    public void Greeting_IsAClients_AndNobodyElses()
    {
        var frames = New();
        var greeting = _orleans.Preamble();
        for (var at = 0; at < greeting.Length; at++)
        {
            Assert.Equal(Verdict.Incomplete, New().Judge(new(greeting.AsMemory(0, at)), out _));
            Assert.Equal(Verdict.Admitted, New().Judge(InTwo(greeting, at), out _));
        }
        Assert.Equal((Verdict.Malformed, 0, "a greeting that is no client's"), Judge(frames, _orleans.PreambleOfASilo()));
    }

    [Fact]
    public void WhatClientsDoNotSend_IsNotAdmitted()
    {
        for (var way = 0; way < OrleansFrames.Ways; way++)
        {
            var (admission, _, reason) = Judge(Greeted(), _orleans.Marked(way));
            Assert.True(admission is Verdict.Refused or Verdict.Malformed, $"way {way} was admitted");
            Assert.NotEmpty(reason);
        }
    }

    [Fact]
    public void Lengths_BeyondTheBounds_AreMalformedBeforeTheyArrive()
    {
        foreach (var (header, body) in new[]
        {
            (0, 1), (-1, 1), (int.MinValue, 1), (ClientFrames.MaxHeaderBytes + 1, 1), (int.MaxValue, 1),
            (100, -1), (100, ClientFrames.MaxBodyBytes + 1), (100, int.MaxValue), (100, int.MinValue),
        })
        {
            var lengths = new byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(lengths, header);
            BinaryPrimitives.WriteInt32LittleEndian(lengths.AsSpan(4), body);
            Assert.Equal(Verdict.Malformed, Greeted().Judge(new(lengths), out _));
        }
    }

    [Fact]
    public void FalseHashes_AreNotAdmitted()
    {
        var frame = _orleans.Describe();
        foreach (var text in (string[])["sys.client", "cb46f910474a418ab2c312023cb2bcd1", "key", "payments.eu.cards", "okms.IKeyGrain", "(\"inv\""])
        {
            var changed = frame.ToArray();
            // The hash stands before the bytes, in a type's name with its length between.
            var at = changed.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(text)) - (text[0] == '(' ? 5 : 4);
            changed[at] ^= 1;
            Assert.NotEqual(Verdict.Admitted, Judge(Greeted(), changed).Admission);
        }
    }

    [Fact]
    public void Nesting_WithoutEnd_IsMalformed()
    {
        var frame = _orleans.Encrypt(1);
        var call = Call("Encrypt");
        var headerEnd = frame.AsSpan().IndexOf(call.Call);
        byte[] body = [.. call.Call, .. Enumerable.Repeat(WireFormat.TagDelimited, 100_000), .. Enumerable.Repeat(WireFormat.EndObject, 100_001)];
        byte[] nested = [.. frame.AsSpan(0, headerEnd), .. body];
        BinaryPrimitives.WriteInt32LittleEndian(nested.AsSpan(4), body.Length);
        Assert.Equal((Verdict.Malformed, 0, "arguments that are not those of the method"), Judge(Greeted(), nested));
    }

    [Fact]
    public void ManyFrames_AllocateNothing()
    {
        var frames = Greeted();
        var sequence = new ReadOnlySequence<byte>(_orleans.Encrypt(1024));
        frames.Judge(sequence, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) frames.Judge(sequence, out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static AdmittedMethod Call(string method) => new(WireFormat.Call($"(\"inv\",[GrainRef],[okms.IKeyGrain],\"{method}\")"), 0);

    internal static AdmittedCalls Calls { get; } = new(
        [
            new(WireFormat.Id("key"u8), false, [new(WireFormat.Id("okms.IKeyGrain"u8), 0, [Call("Describe"), Call("Encrypt"), Call("Create")])]),
            ClientRights.Manifest,
        ],
        new CallBody(
            [WireFormat.Type("System.Collections.Generic.Dictionary`2[[string],[string]]"), WireFormat.Type("StringComparer")], [2]));

    internal static List<byte[]> Genuine(OrleansFrames orleans) =>
    [
        orleans.Describe(), orleans.Encrypt(1), orleans.Encrypt(70_000), orleans.Manifest(),
        orleans.Create(new Dictionary<string, string> { ["a"] = "b", ["c"] = "d" }),
        orleans.Create(new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = "b" }),
    ];

    private List<byte[]> Genuine() => Genuine(_orleans);

    private ClientFrames New() => new(Calls, _orleans.Gateway);

    private ClientFrames Greeted()
    {
        var frames = New();
        frames.Judge(new(_orleans.Preamble()), out _);
        return frames;
    }

    private static (Verdict Admission, long Length, string Reason) Judge(ClientFrames frames, byte[] bytes)
    {
        var admission = frames.Judge(new(bytes), out var length);
        return (admission, length, frames.Reason);
    }

    private static ReadOnlySequence<byte> InTwo(byte[] bytes, int at)
    {
        var first = new Piece(bytes.AsMemory(0, at), null);
        var second = new Piece(bytes.AsMemory(at), first);
        return new(first, 0, second, bytes.Length - at);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.Memory.Length;
            before.Next = this;
        }
    }
}
