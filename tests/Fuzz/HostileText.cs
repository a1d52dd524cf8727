using System.Text;

namespace OrleansKms.Tests.Fuzz;

/// <summary>Makes hostile texts out of genuine ones, as <see cref="HostileBytes"/> makes bytes.</summary>
internal sealed class HostileText(params string[] genuine)
{
    private readonly HostileBytes _hostile = new(HostileBytes.Seed);
    private readonly byte[][] _genuine = [.. genuine.Select(Encoding.Latin1.GetBytes)];

    /// <summary>A text; half of the changes replace a character by another of the genuine ones, so that many get far.</summary>
    public string Next()
    {
        if (_hostile.Next(2) == 0) return Encoding.Latin1.GetString(_hostile.Of(_genuine));
        var text = _genuine[_hostile.Next(_genuine.Length)].ToArray();
        var other = _genuine[_hostile.Next(_genuine.Length)];
        if (text.Length > 0 && other.Length > 0) text[_hostile.Next(text.Length)] = other[_hostile.Next(other.Length)];
        return Encoding.Latin1.GetString(text);
    }

    /// <summary>A whole number below another.</summary>
    public int Below(int limit) => _hostile.Next(limit);

    /// <summary>Names a round for a failure.</summary>
    public static string At(int round, string text) => $"seed {HostileBytes.Seed}, round {round}: {Convert.ToHexString(Encoding.Latin1.GetBytes(text))}";
}
