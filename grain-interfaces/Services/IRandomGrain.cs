namespace OrleansKms;

/// <summary>Random bytes from the silo's source. A stateless worker.</summary>
[Alias("okms.IRandomGrain")]
public interface IRandomGrain : IGrainWithIntegerKey
{
    /// <summary>Draws random bytes.</summary>
    [Alias("Draw"), Operation("random:draw")] ValueTask<RandomBytes> Draw(DrawRandom request);
}

/// <summary>Requests random bytes.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Bytes">1 to <see cref="KmsLimits.RandomBytes"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.DrawRandom")]
public sealed record DrawRandom([property: Id(0)] Caller Caller, [property: Id(1)] int Bytes) : ICallerRequest;

/// <summary>Random bytes.</summary>
/// <param name="Bytes">The bytes; the receiver may use them as a secret.</param>
[GenerateSerializer, Immutable, Alias("okms.RandomBytes")]
public sealed record RandomBytes([property: Id(0)] byte[] Bytes)
{
    /// <summary>Names the length, never the bytes.</summary>
    public override string ToString() => $"RandomBytes {{ Length = {Bytes.Length} }}";
}
