using System.Buffers;
using System.Runtime.InteropServices;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Configuration;
using Orleans.Serialization.WireProtocol;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// The arguments of a call for which there is no room: instead of those that were sent, which are not read. Orleans answers a call
/// whose arguments cannot be read with the exception of whoever reads them, here <c>overloaded</c>, before the call waits for
/// anything. This way the refusal is a message of Orleans' own, in its turn on the connection.
/// </summary>
internal sealed class RefusedCall
{
    // No client may name it: arguments name only types of an allow-list.
    private const string Name = "okms.refused-call";

    private static readonly byte[] _body = WireFormat.Call(Name);

    private RefusedCall()
    {
    }

    /// <summary>Puts it in the place of a call's body, which is longer.</summary>
    public static void Replace(in ReadOnlySequence<byte> body)
    {
        var written = 0;
        foreach (var piece in body)
        {
            // What was received lies in the memory of the connection's pipe, which nobody else reads before Orleans does.
            var target = MemoryMarshal.AsMemory(piece).Span;
            var count = Math.Min(target.Length, _body.Length - written);
            _body.AsSpan(written, count).CopyTo(target);
            written += count;
            if (written == _body.Length) return;
        }
        throw new InvalidOperationException("Internal error: the body of a call is shorter than the name of its method.");
    }

    /// <summary>Has Orleans know it.</summary>
    public static void AddTo(IServiceCollection services) => services.Configure<TypeManifestOptions>(types =>
    {
        types.WellKnownTypeAliases[Name] = typeof(RefusedCall);
        types.Serializers.Add(typeof(Codec));
    });

    /// <summary>Whether a message could not be read because it is one.</summary>
    public static bool IsCauseOf(Exception? unreadable) => unreadable == Codec.Overloaded;

    private sealed class Codec : IFieldCodec<RefusedCall?>
    {
        // One for all: its stack trace says nothing.
        public static readonly KmsException Overloaded = KmsError.Overloaded.Exception();

        public RefusedCall? ReadValue<TInput>(ref Reader<TInput> reader, Field field) => throw Overloaded;

        public void WriteField<TBufferWriter>(ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type? expectedType, RefusedCall? value)
            where TBufferWriter : IBufferWriter<byte> => throw new NotSupportedException("Internal error: nobody sends it.");
    }
}
