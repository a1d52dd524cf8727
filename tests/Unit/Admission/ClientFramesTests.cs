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
    public void UnreadableMessage_IsAdmitted_AndFailsInOrleans()
    {
        // Else the test of what becomes of it would test nothing.
        var frame = _orleans.Unreadable();
        Assert.Equal((Verdict.Admitted, frame.Length, ""), Judge(Greeted(), frame));
        Assert.NotNull(_orleans.Read(frame));
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
    public void GreetingInTheNameOfAnother_EndsTheConnection()
    {
        var asked = new List<string>();
        var frames = new ClientFrames(Calls, _orleans.Gateway, id =>
        {
            asked.Add(id);
            return false;
        });
        Assert.Equal((Verdict.Malformed, 0, "a greeting in the name of another client"), Judge(frames, _orleans.Preamble()));
        Assert.Equal([_orleans.Client], asked);
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("F", true)]
    [InlineData("FFFFFFFFFFFFFFFF", true)]
    [InlineData("00", false)]
    [InlineData("0F", false)]
    [InlineData("f", false)]
    [InlineData("G", false)]
    [InlineData("-1", false)]
    [InlineData("10000000000000000", false)]
    public void NumberOfAGrain_IsAsOrleansWritesIt(string key, bool isAdmitted)
    {
        var (admission, length, reason) = Judge(Greeted(), _orleans.Check(key));
        Assert.Equal(isAdmitted ? (Verdict.Admitted, "") : (Verdict.Refused, "a call to a grain whose key is none"), (admission, reason));
        Assert.NotEqual(0, length);
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
    public void ReferencesToObjects_AreMalformed()
    {
        // The items are a reference to an unknown field, inside which is another one: Orleans looks for that where nobody judged, here
        // in the middle of a string, and reads of a type whose version is 7. Objects that nest there without end would end the process.
        var frame = With("EncryptBatch", Misread());
        Assert.Contains("version 7", _orleans.Read(frame)?.Message, StringComparison.Ordinal);

        Assert.Equal((Verdict.Malformed, 0, "arguments that are not those of the method"), Judge(Greeted(), frame));
    }

    [Fact]
    public void Collections_WithACountBeyondWhatFollows_AreMalformed()
    {
        foreach (var padding in (int[])[1_000_000, 10_000_000])
        {
            var tags = With("Create", Tags(padding));
            Assert.Equal(Verdict.Malformed, Judge(Greeted(), tags).Admission);
            // A batch of one, whose count alone is another: in each way in which Orleans takes a number.
            foreach (var count in (byte[][])[[0x00, .. WireFormat.VarUInt32((uint)padding)], [0x60, .. BitConverter.GetBytes(padding)], [0x80, .. BitConverter.GetBytes((long)padding)]])
            {
                byte[] batch = [0x20, 0x21, .. count, 0xe0, 0x41, .. WireFormat.VarUInt32((uint)padding), .. new byte[padding], 0xe0, 0xe0];
                Assert.Equal(Verdict.Malformed, Judge(Greeted(), With("EncryptBatch", batch)).Admission);
            }
        }
    }

    [Fact]
    public void TypesOfTags_InACallWithoutTags_AreMalformed() =>
        Assert.Equal(Verdict.Malformed, Judge(Greeted(), With("Encrypt", Tags(10))).Admission);

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

    /// <summary>The arguments of a creation whose tags say that they are so many.</summary>
    private static byte[] Tags(int count) =>
    [
        0x20, 0x34, .. WireFormat.Type("System.Collections.Generic.Dictionary`2[[string],[string]]"), 0x01, .. WireFormat.VarUInt32((uint)count),
        WireFormat.EndObject, 0x47, .. WireFormat.VarUInt32(100), .. WireFormat.VarUInt32((uint)count), .. new byte[count],
        WireFormat.EndObject, WireFormat.EndObject,
    ];

    /// <summary>The arguments of a batch that Orleans reads otherwise than they are written.</summary>
    private static byte[] Misread()
    {
        byte[] text = [.. Enumerable.Repeat(WireFormat.TagDelimited, 200), WireFormat.TagDelimited | WireFormat.EncodedType, 7];
        return
        [
            // The argument is the field 2. Before the end of the fields of its base class: field 3, and field 4 with the fields 5 and 6.
            0x20, 0x21, WireFormat.EndObject,
            0x21, 0x00, .. WireFormat.VarUInt32(1), 0xc1, .. WireFormat.VarUInt32(3), WireFormat.EndObject,
            WireFormat.EndBaseFields, 0xc0, .. WireFormat.VarUInt32(0), 0xc1, .. WireFormat.VarUInt32(4), WireFormat.EndObject,
            0x47, .. WireFormat.VarUInt32(100), .. WireFormat.VarUInt32((uint)text.Length), .. text, WireFormat.EndObject,
        ];
    }
    /// <summary>A call whose arguments are these bytes.</summary>
    private byte[] With(string method, byte[] arguments)
    {
        var frame = _orleans.Describe();
        var headerEnd = frame.AsSpan().IndexOf(Call("Describe").Call);
        byte[] body = [.. Call(method).Call, .. arguments];
        byte[] made = [.. frame.AsSpan(0, headerEnd), .. body];
        BinaryPrimitives.WriteInt32LittleEndian(made.AsSpan(4), body.Length);
        return made;
    }

    private static readonly CallBody _plain = new([], [2]);
    private static readonly CallBody _tagged = new(
        [WireFormat.Type("System.Collections.Generic.Dictionary`2[[string],[string]]"), WireFormat.Type("StringComparer")], [2]);
    private static readonly CallBody _batch = new([], [2], countsOnly: true);

    private static AdmittedMethod Call(string method, CallBody? body = null) =>
        new(WireFormat.Call($"(\"inv\",[GrainRef],[okms.IKeyGrain],\"{method}\")"), 0, body ?? _plain);

    internal static AdmittedCalls Calls { get; } = new(
        [
            new(WireFormat.Id("key"u8), false, [new(WireFormat.Id("okms.IKeyGrain"u8), 0, [Call("Describe"), Call("Encrypt"), Call("Create", _tagged), Call("EncryptBatch", _batch)], TakesPlace: true)]),
            new(
                WireFormat.Id("health"u8), false,
                [new(WireFormat.Id("okms.IHealthGrain"u8), 0, [new(WireFormat.Call("(\"inv\",[GrainRef],[okms.IHealthGrain],\"Check\")"), 0, _plain)])],
                HasNumbers: true),
            ClientRights.Manifest,
        ]);

    internal static List<byte[]> Genuine(OrleansFrames orleans) =>
    [
        orleans.Describe(), orleans.Encrypt(1), orleans.Encrypt(70_000), orleans.Manifest(),
        orleans.Create(new Dictionary<string, string> { ["a"] = "b", ["c"] = "d" }),
        orleans.Create(new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = "b" }),
        orleans.Create(Enumerable.Range(0, 100).ToDictionary(i => $"{i}", i => "", StringComparer.InvariantCultureIgnoreCase)),
        orleans.Create(new Dictionary<string, string> { ["a"] = "b" }, new LimitRule(KmsLimits.MaxLimitCount, TimeSpan.FromDays(31)), new LimitRule(1, TimeSpan.FromSeconds(1), "*")),
        orleans.EncryptBatch(1000),
    ];

    private List<byte[]> Genuine() => Genuine(_orleans);

    private ClientFrames New() => new(Calls, _orleans.Gateway, _ => true);

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
