using Microsoft.Extensions.Time.Testing;
using OrleansKms.Silo.Verbs.Files;

namespace OrleansKms.Tests.Unit.Verbs;

public sealed class ProgressBarTests
{
    [Fact]
    public void Bar_IsOneLine_AtMostTenTimesASecond_AndGoesAtTheEnd()
    {
        var (time, terminal) = (new FakeTimeProvider(), new StringWriter());
        using (var bar = new ProgressBar(terminal, 4 << 20, time))
        {
            time.Advance(TimeSpan.FromSeconds(1));
            bar.Show(1 << 20);
            bar.Show(2 << 20);
            time.Advance(TimeSpan.FromSeconds(1));
            bar.Show(3 << 20, "3 failed");
        }

        Assert.Equal(
            "\r[######------------------]  25%  1 MiB  1 MiB/s  0:00:03 left\e[K"
            + "\r[##################------]  75%  3 MiB  1.5 MiB/s  0:00:00 left  3 failed\e[K"
            + "\r\e[K",
            terminal.ToString());
    }

    [Fact]
    public void Bar_WithoutATotal_SaysHowMuch_AndWithoutATerminal_Nothing()
    {
        var (time, terminal) = (new FakeTimeProvider(), new StringWriter());
        using (var bar = new ProgressBar(terminal, total: null, time))
        {
            time.Advance(TimeSpan.FromSeconds(2));
            bar.Show(5000);
        }

        Assert.Equal("\r4.9 KiB  2.4 KiB/s\e[K\r\e[K", terminal.ToString());
        using var none = new ProgressBar(terminal: null, 100, time);
        none.Show(50);
    }
}
