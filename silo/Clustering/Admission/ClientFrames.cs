using System.Buffers;
using System.Text;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>The verdict on what a client sent.</summary>
internal enum Verdict
{
    /// <summary>It is incomplete.</summary>
    Incomplete,
    /// <summary>Orleans may have it.</summary>
    Admitted,
    /// <summary>It is well-formed and this client may not send it; Orleans never sees it.</summary>
    Refused,
    /// <summary>None of our clients sends it: the connection ends.</summary>
    Malformed,
}

/// <summary>
/// Reads what one client sends, in Orleans' wire format, before Orleans does: first its identity, then a frame for each message.
/// Any call that is not on the list is refused, so that nothing else of Orleans can be reached: not its system targets, not what
/// it adds to every grain, not other clients, and no answers under another's name.
/// </summary>
/// <param name="calls">What the client may call.</param>
/// <param name="gateway">The address that clients know this silo by; null where it has none.</param>
/// <param name="mayBe">Whether the client may have an id that it claims.</param>
/// <param name="places">Its calls in flight; null where nothing bounds them.</param>
internal sealed class ClientFrames(AdmittedCalls calls, SiloAddress? gateway, Func<string, bool> mayBe, CallPlaces? places = null)
{
    /// <summary>No header of ours comes near it: the longest part is a key id.</summary>
    public const int MaxHeaderBytes = 4 * 1024;

    /// <summary>More than any batch: an HTTP request has at most 8 MiB.</summary>
    public const int MaxBodyBytes = 16 * 1024 * 1024;

    private const int MaxPreambleBytes = 1024;
    private const int MaxKeyBytes = KeyId.MaxLength;
    private const int MaxNumberLength = 16;
    private const int MaxContextEntries = 8;
    private const int MaxSiloAddresses = 16;

    // The tags of a ConnectionPreamble: protocol version 1, then the client's id, no silo's address, and the cluster's name.
    private static readonly byte[] _clientType = WireFormat.Id("sys.client"u8);
    private static readonly byte[] _preambleStart =
        [0x20, 0x08, 0x15, 0x03, 0x21, 0x20, 0x20, 0x60, .. _clientType[1..5], 0x41, _clientType[0], .. _clientType[5..], 0xe0, 0xe0, 0x21, 0x60];

    private static readonly byte[] _preambleMiddle = [0xe0, 0xe0, 0xc1, 0x01, 0x41];

    // A string: length-prefixed, of the well-known type 2.
    private static readonly byte[] _stringTag = [0x48, 0x05];
    private static readonly byte[][] _contextNames = [.. new[] { "traceparent", "tracestate", "baggage" }
        .Select(name => (byte[])[.. WireFormat.VarUInt32((uint)name.Length + 1), .. Encoding.UTF8.GetBytes(name)])];

    private static readonly SearchValues<byte> _keyCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"u8);

    private static readonly SearchValues<byte> _numberCharacters = SearchValues.Create("0123456789ABCDEF"u8);

    private readonly List<KnownSilo> _silos = [];
    private byte[]? _client;
    private KnownSilo? _lastSilo;

    /// <summary>What the client may call; changes with its certificate.</summary>
    public AdmittedCalls Calls { get; set; } = calls;

    /// <summary>Why the last one was not admitted; completes a sentence about what was sent.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Judges what is at the beginning.</summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="length">The length of the first piece; 0 unless it is admitted or refused.</param>
    public Verdict Judge(in ReadOnlySequence<byte> bytes, out long length)
    {
        length = 0;
        var admission = _client is null ? JudgePreamble(bytes, ref length) : JudgeFrame(bytes, ref length);
        if (admission is Verdict.Incomplete or Verdict.Malformed) length = 0;
        return admission;
    }

    /// <summary>Orleans could not read what was admitted.</summary>
    public Verdict Unreadable(Exception? why) => Malformed($"arguments that cannot be read ({why?.GetType().Name})");

    private Verdict JudgePreamble(in ReadOnlySequence<byte> bytes, ref long length)
    {
        var start = new WireReader(bytes);
        if (!start.TryReadInt32(out var size)) return Verdict.Incomplete;
        if (size is <= 0 or > MaxPreambleBytes) return Malformed("a greeting of a wrong length");
        if (start.Remaining < size) return Verdict.Incomplete;
        length = 4 + size;
        var reader = new WireReader(bytes.Slice(4, size));
        Span<byte> key = stackalloc byte[MaxKeyBytes];
        if (!reader.TrySkip(_preambleStart)
            || !reader.TryReadInt32(out var hash)
            || !reader.TryReadByte(out var tag) || tag != 0x41
            || !reader.TryReadVarUInt32(out var keyLength) || keyLength is 0 or > MaxKeyBytes
            || !reader.TryRead(key = key[..(int)keyLength]) || !IsTrueHash(key, hash) || !IsName(key)
            || !reader.TrySkip(_preambleMiddle)
            || !reader.TryReadVarUInt32(out var clusterLength) || !reader.TrySkip(clusterLength)
            || !reader.TryReadByte(out var end) || end != WireFormat.EndObject || !reader.IsAtEnd)
        {
            return Malformed("a greeting that is no client's");
        }
        if (!mayBe(Encoding.ASCII.GetString(key))) return Malformed("a greeting in the name of another client");
        _client = [.. _clientType, .. WireFormat.Id(key)];
        return Verdict.Admitted;
    }

    private Verdict JudgeFrame(in ReadOnlySequence<byte> bytes, ref long length)
    {
        var start = new WireReader(bytes);
        if (!start.TryReadInt32(out var headerLength) || !start.TryReadInt32(out var bodyLength)) return Verdict.Incomplete;
        if (headerLength is <= 0 or > MaxHeaderBytes) return Malformed("a message whose header has a wrong length");
        if (bodyLength is < 0 or > MaxBodyBytes) return Malformed("a message that is too long");
        if (start.Remaining < headerLength + bodyLength) return Verdict.Incomplete;
        length = WireFormat.LengthBytes + headerLength + bodyLength;
        var header = new WireReader(bytes.Slice(WireFormat.LengthBytes, headerLength));
        if (!header.TryReadInt32(out var flags) || !header.TryReadInt64(out var number)) return Malformed("a header that is cut off");
        return JudgeHeader(ref header, (uint)flags, number, bytes.Slice(WireFormat.LengthBytes + headerLength, bodyLength));
    }

    private Verdict JudgeHeader(ref WireReader header, uint flags, long number, in ReadOnlySequence<byte> body)
    {
        if (flags >> WireFormat.DirectionShift != WireFormat.Request) return Refused("something other than a call");
        if (!header.TrySkip(_client)) return Refused("a call under the name of another");
        if (TargetOf(ref header) is not { } target) return Refused($"a call to {Text(header)}");
        Span<byte> key = stackalloc byte[MaxKeyBytes];
        if (!TryReadKey(ref header, key, out var keyLength)) return Malformed("a grain's key that is none");
        key = key[..keyLength];
        if (!target.IsSystemTarget && !(target.HasNumbers ? IsNumber(key) : IsName(key))) return Refused("a call to a grain whose key is none");
        // The sender's silo: clients are on none.
        if (!header.TryReadByte(out var sendingSilo) || sendingSilo != 1) return Refused("a call in the name of a silo");
        if (SiloOf(ref header) is not { } silo) return Malformed("a silo's address that is none");
        if (target.IsSystemTarget && !(silo.IsThisGateway && key.SequenceEqual(silo.Key))) return Refused("a call to another silo");
        int? wait = null;
        if ((flags & WireFormat.HasTimeToLive) != 0)
        {
            if (!header.TryReadInt32(out var milliseconds)) return Malformed("a header that is cut off");
            wait = milliseconds;
        }
        if ((flags & WireFormat.HasInterfaceType) == 0) return Refused("a call of no interface");
        if (InterfaceOf(ref header, target) is not { } called) return Refused($"a call of the interface {Text(header)}");
        if ((flags & WireFormat.HasInterfaceVersion) != 0 && !(header.TryReadVarUInt32(out var version) && version <= called.Version))
        {
            return Refused("a call of a newer interface");
        }
        if ((flags & WireFormat.HasRequestContext) != 0 && !IsTraceContext(ref header))
        {
            return Refused("a call with a RequestContext that is not of tracing");
        }
        if (!header.IsAtEnd) return Malformed("a header with something behind its end");
        var verdict = JudgeCall(called, flags, body);
        return verdict == Verdict.Admitted && called.TakesPlace && places is not null ? TakePlace(number, wait, body) : verdict;
    }

    private Verdict TakePlace(long number, int? wait, in ReadOnlySequence<byte> body)
    {
        var entry = places!.Enter(number, wait);
        if (entry == CallEntry.Full) RefusedCall.Replace(body);
        return entry == CallEntry.Repeated ? Malformed("a call with the number of one that is not answered") : Verdict.Admitted;
    }

    private Verdict JudgeCall(AdmittedInterface called, uint flags, in ReadOnlySequence<byte> body)
    {
        var reader = new WireReader(body);
        foreach (var method in called.Methods)
        {
            if (!reader.TrySkip(method.Call)) continue;
            const uint Any = WireFormat.HasInterfaceType | WireFormat.HasInterfaceVersion | WireFormat.HasTimeToLive | WireFormat.HasRequestContext;
            if ((flags & 0xffff & ~Any & ~method.Flags) != 0) return Refused("a call with flags that are not its method's");
            return method.Body.Allows(ref reader) ? Verdict.Admitted : Malformed("arguments that are not those of the method");
        }
        return Refused("a call of another method than those of its interface");
    }

    private AdmittedTarget? TargetOf(ref WireReader header)
    {
        foreach (var target in Calls.Targets)
        {
            if (header.TrySkip(target.Id)) return target;
        }
        return null;
    }

    private static AdmittedInterface? InterfaceOf(ref WireReader header, AdmittedTarget target)
    {
        foreach (var called in target.Interfaces)
        {
            if (header.TrySkip(called.Id)) return called;
        }
        return null;
    }

    private static bool TryReadKey(ref WireReader header, scoped Span<byte> key, out int length)
    {
        length = 0;
        if (!header.TryReadVarUInt32(out var size) || size is 0 or > MaxKeyBytes || !header.TryReadInt32(out var hash)) return false;
        length = (int)size;
        return header.TryRead(key[..length]) && IsTrueHash(key[..length], hash);
    }

    // Orleans trusts the hash: a false one would make a second activation of a grain beside the first.
    private static bool IsTrueHash(ReadOnlySpan<byte> key, int hash) => StableHash.ComputeHash(key) == (uint)hash;

    private static bool IsName(ReadOnlySpan<byte> key) => !key.ContainsAnyExcept(_keyCharacters);

    // As Orleans writes numbers: 00 would be a second activation of the grain 0.
    private static bool IsNumber(ReadOnlySpan<byte> key) =>
        key.Length <= MaxNumberLength && !key.ContainsAnyExcept(_numberCharacters) && (key[0] != (byte)'0' || key.Length == 1);

    private static bool IsTraceContext(ref WireReader header)
    {
        if (!header.TryReadVarUInt32(out var count) || count > MaxContextEntries) return false;
        for (; count > 0; count--)
        {
            var isKnown = false;
            foreach (var name in _contextNames)
            {
                if (isKnown = header.TrySkip(name)) break;
            }
            if (!isKnown || !header.TrySkip(_stringTag) || !header.TryReadVarUInt32(out var length) || !header.TrySkip(length)) return false;
        }
        return true;
    }

    private KnownSilo? SiloOf(ref WireReader header)
    {
        // A client names the silo that it is connected to, always the same.
        if (_lastSilo is { } last && header.TrySkip(last.Encoded)) return last;
        foreach (var silo in _silos)
        {
            if (header.TrySkip(silo.Encoded)) return _lastSilo = silo;
        }
        if (_silos.Count == MaxSiloAddresses || KnownSilo.Read(ref header, gateway) is not { } read) return null;
        _silos.Add(read);
        return _lastSilo = read;
    }

    private Verdict Refused(string reason)
    {
        Reason = reason;
        return Verdict.Refused;
    }

    private Verdict Malformed(string reason)
    {
        Reason = reason;
        return Verdict.Malformed;
    }

    /// <summary>An identifier made safe for a log, whatever was sent.</summary>
    private static string Text(WireReader reader)
    {
        const int MaxText = 80;
        if (!reader.TryReadVarUInt32(out var length) || !reader.TryReadInt32(out _)) return "nothing";
        Span<byte> bytes = stackalloc byte[(int)Math.Min(length, MaxText)];
        if (!reader.TryRead(bytes)) return "nothing";
        foreach (ref var character in bytes)
        {
            if (character is <= 0x20 or >= 0x7f) character = (byte)'?';
        }
        return Encoding.ASCII.GetString(bytes);
    }
}
