using System.Globalization;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>How far long work is, in one line of a terminal, which is gone at the end. Writes nothing elsewhere.</summary>
/// <param name="terminal">Standard error; null where that is not a terminal.</param>
/// <param name="total">The whole in bytes; null when it is not known.</param>
/// <param name="time">When it is.</param>
internal sealed class ProgressBar(TextWriter? terminal, long? total, TimeProvider time) : IDisposable
{
    private const int Width = 24;
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);

    private readonly long _begin = time.GetTimestamp();
    private long? _shown;

    /// <summary>A bar on standard error, if that is a terminal.</summary>
    /// <param name="context">The process.</param>
    /// <param name="total">The whole in bytes; null when it is not known.</param>
    public static ProgressBar Of(VerbContext context, long? total) => new(context.ErrorIsTerminal ? context.Error : null, total, context.Time);

    /// <summary>Shows it, ten times a second at most.</summary>
    /// <param name="done">How many bytes are done.</param>
    public void Show(long done) => Show(done, "");

    /// <summary>The same, with more to say.</summary>
    /// <param name="done">How many bytes are done.</param>
    /// <param name="more">A few words.</param>
    public void Show(long done, string more)
    {
        if (terminal is null || (_shown is { } shown && time.GetElapsedTime(shown) < _interval)) return;
        _shown = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_begin).TotalSeconds;
        var rate = elapsed > 0 ? done / elapsed : 0;
        terminal.Write($"\r{Line(done, rate)}{(more.Length > 0 ? "  " : "")}{more}\e[K");
    }

    /// <summary>Removes the line.</summary>
    public void Dispose()
    {
        if (_shown is not null) terminal!.Write("\r\e[K");
    }

    /// <summary>A number of bytes for people.</summary>
    public static string Size(double bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        for (; bytes >= 1024 && unit < units.Length - 1; unit++) bytes /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Round(bytes, bytes < 10 && unit > 0 ? 1 : 0)} {units[unit]}");
    }

    private string Line(long done, double rate)
    {
        var speed = $"{Size(done)}  {Size(rate)}/s";
        if (total is not > 0) return speed;
        var part = Math.Min(1, done / (double)total);
        var filled = (int)(part * Width);
        var left = rate > 0 ? TimeSpan.FromSeconds(Math.Min(359_999, Math.Max(0, total.Value - done) / rate)) : TimeSpan.Zero;
        return string.Create(CultureInfo.InvariantCulture,
            $"[{new string('#', filled)}{new string('-', Width - filled)}] {part * 100,3:0}%  {speed}  {(int)left.TotalHours}:{left:mm\\:ss} left");
    }
}
