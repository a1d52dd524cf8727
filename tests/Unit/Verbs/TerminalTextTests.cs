using System.Text;
using OrleansKms.Silo.Verbs;

namespace OrleansKms.Tests.Unit.Verbs;

/// <summary>What others wrote, on a terminal.</summary>
public sealed class TerminalTextTests
{
    [Theory]
    [InlineData("orders at rest", "orders at rest")]
    [InlineData("Schlüssel 鍵 🔑", "Schlüssel 鍵 🔑")]
    [InlineData("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree")]
    [InlineData("\u001b]0;title\u0007\u001b[2J", "\\u{1b}]0;title\\u{7}\\u{1b}[2J")]
    [InlineData("\u009b31m", "\\u{9b}31m")]
    [InlineData("a\u202egnp.exe\u2066\u200b\u2028\u2029\ufeff\u007f", "a\\u{202e}gnp.exe\\u{2066}\\u{200b}\\u{2028}\\u{2029}\\u{feff}\\u{7f}")]
    [InlineData("\ue000", "\\u{e000}")]
    public void Clean_WhatDoesNotPrintAsItself_IsWrittenOut(string text, string clean) => Assert.Equal(clean, TerminalText.Clean(text));

    [Fact]
    public void Clean_EveryCharacter_LeavesNoneThatMovesTheCursor()
    {
        var all = new string([.. Enumerable.Range(0, 0x10000).Select(i => (char)i)]);
        Assert.DoesNotContain(TerminalText.Clean(all), c => char.IsControl(c) || c is '\u2028' or '\u2029' or >= '\u202a' and <= '\u202e');
    }

    [Fact]
    public void IsText_ForATerminal()
    {
        Assert.True(TerminalText.IsText("one\n\ttwo é"u8));
        Assert.True(TerminalText.IsText([]));
        Assert.False(TerminalText.IsText("\u001b[2J"u8));
        Assert.False(TerminalText.IsText([0xc3]));
        Assert.False(TerminalText.IsText([0]));
        Assert.False(TerminalText.IsText(Encoding.UTF8.GetBytes("\u0085")));
    }

    [Fact]
    public void Table_Cells_AreCleanedAndAligned()
    {
        var table = new Table("ID", "STATE");
        Assert.Equal(["ID      STATE", "a\\nb    enabled", "longer  -"], table.Lines([["a\nb", "enabled"], ["longer", null]]));
        Assert.Equal(["c       disabled"], table.Lines([["c", "disabled"]]));
        Assert.Empty(table.Lines([]));
        Assert.Equal(["only"], new Table().Lines([["only"]]));
    }
}
