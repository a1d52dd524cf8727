using System.Text;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Tests.Unit.Hsms;

/// <summary>The reading of HSM_ADDRESS. Examples are those of RFC 7512, section 3, where they are called so.</summary>
public sealed class HsmAddressTests
{
    private const string Least = "pkcs11:token=okms?module-path=/lib/m.so";

    [Fact]
    public void Parse_Everything_IsReadWhole()
    {
        var address = HsmAddress.Parse(
            "PKCS11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;serial=7;slot-id=327;"
            + "object=my%2Fkey;id=%69%95%3E%5C%F4%BD%EC%91;type=secret-key?pin-source=file:/etc/token_pin&module-path=/usr/lib/m%20x.so");

        Assert.Equal("The Software PKCS#11 Softtoken", address.Token);
        Assert.Equal("Snake Oil, Inc.", address.Manufacturer);
        Assert.Equal("1.0", address.Model);
        Assert.Equal("7", address.Serial);
        Assert.Equal(327UL, address.SlotId);
        Assert.Equal("my/key", address.RootLabel);
        Assert.Equal("69953E5CF4BDEC91", Convert.ToHexString(address.RootId!.Value.Span));
        Assert.Equal("/etc/token_pin", address.PinFile);
        Assert.Equal("/usr/lib/m x.so", address.ModulePath);
    }

    [Fact]
    public void Parse_TheLeast_LeavesTheRestOpen()
    {
        var address = HsmAddress.Parse(Least);

        Assert.Equal(("okms", null, null, null, null), (address.Token, address.Serial, address.SlotId, address.RootLabel, address.PinFile));
        Assert.False(address.RootId.HasValue);
    }

    [Theory]
    [InlineData("file:/run/pin", "/run/pin")]
    [InlineData("file:///run/pin", "/run/pin")]
    [InlineData("FILE://localhost/run/pin", "/run/pin")]
    [InlineData("file:/run/a%2520b", "/run/a b")]
    [InlineData("/run/pin", "/run/pin")]
    public void Parse_PinSource_IsAFile(string source, string path) =>
        Assert.Equal(path, HsmAddress.Parse(Least + "&pin-source=" + source).PinFile);

    [Theory]
    [InlineData("RFC example: any object", "pkcs11:")]
    [InlineData("RFC example: public key by label", "pkcs11:object=my-pubkey;type=public")]
    [InlineData("RFC example: private key by label and PIN file", "pkcs11:object=my-key;type=private?pin-source=file:/etc/token")]
    [InlineData("RFC example: certificate", "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=my-certificate;type=cert?pin-source=/etc/token_pin&module-path=/lib/m.so")]
    [InlineData("RFC example: module by name", "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11")]
    [InlineData("RFC example: command as PIN source", "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-source=|/usr/lib/pinomatic&module-path=/lib/m.so")]
    [InlineData("RFC example: slot description", "pkcs11:slot-description=Sun%20Metaslot;token=a?module-path=/lib/m.so")]
    [InlineData("RFC example: library", "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23;token=a?module-path=/lib/m.so")]
    [InlineData("RFC example: vendor attributes", "pkcs11:token=my-token;my-attr=abc?module-path=/lib/m.so&vendor-query=x")]
    [InlineData("no scheme", "token=okms")]
    [InlineData("another scheme", "http://okms")]
    [InlineData("no module", "pkcs11:token=okms")]
    [InlineData("no token", "pkcs11:object=okms-root?module-path=/lib/m.so")]
    [InlineData("empty token", "pkcs11:token=?module-path=/lib/m.so")]
    [InlineData("token too long", "pkcs11:token=012345678901234567890123456789012?module-path=/lib/m.so")]
    [InlineData("twice", "pkcs11:token=a;token=b?module-path=/lib/m.so")]
    [InlineData("no value", "pkcs11:token?module-path=/lib/m.so")]
    [InlineData("no name", "pkcs11:=a?module-path=/lib/m.so")]
    [InlineData("broken percent-encoding", "pkcs11:token=a%2?module-path=/lib/m.so")]
    [InlineData("white space", "pkcs11:token=a b?module-path=/lib/m.so")]
    [InlineData("line break", "pkcs11:token=a\n?module-path=/lib/m.so")]
    [InlineData("quotes", "\"pkcs11:token=a?module-path=/lib/m.so\"")]
    [InlineData("not ASCII", "pkcs11:token=\u00e9?module-path=/lib/m.so")]
    [InlineData("slot that is no number", "pkcs11:slot-id=-1?module-path=/lib/m.so")]
    [InlineData("slot beyond 64 bits", "pkcs11:slot-id=18446744073709551616?module-path=/lib/m.so")]
    [InlineData("empty id", "pkcs11:token=a;id=?module-path=/lib/m.so")]
    [InlineData("relative module", "pkcs11:token=a?module-path=m.so")]
    [InlineData("relative PIN file", "pkcs11:token=a?module-path=/lib/m.so&pin-source=pin")]
    [InlineData("PIN file of another host", "pkcs11:token=a?module-path=/lib/m.so&pin-source=file://host/pin")]
    [InlineData("NUL in a path", "pkcs11:token=a?module-path=/lib/m.so%00x")]
    [InlineData("empty PIN", "pkcs11:token=a?module-path=/lib/m.so&pin-value=")]
    public void Parse_WhatCannotBeUsed_IsRefused(string why, string text)
    {
        var refusal = Assert.Throws<FormatException>(() => HsmAddress.Parse(text));

        Assert.True(refusal.Message.Length > 0 && !refusal.Message.Contains('\n', StringComparison.Ordinal), why);
    }

    [Theory]
    [InlineData("&pin-value=hunter2&pin-value=hunter2")]
    [InlineData("&pin-value=hunter2&hunter2=1")]
    [InlineData("&pin-value=hun%2&hunter2")]
    [InlineData("&pin-value=a&hunter2=1&hunter2=1")]
    [InlineData("&pin-value=a;hunter2=\u00e9")]
    [InlineData("&pin-value=hunter2&module-path=hunter2")]
    public void Parse_PinInABrokenUri_IsNotRepeated(string rest)
    {
        var refusal = Assert.Throws<FormatException>(() => HsmAddress.Parse(Least + rest));

        Assert.DoesNotContain("hunter2", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_HoldsNoPin()
    {
        var options = HsmOptions.Read(Least + "&pin-value=hunter2", pin: null);

        Assert.DoesNotContain("hunter2", options + options.Address.ToString() + options.Pin, StringComparison.Ordinal);
        Assert.Equal("pkcs11:token=okms", options.Address.ToString());
        Assert.Equal("hunter2", Encoding.UTF8.GetString(options.Pin.Read()));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("&pin-value=1234", "1234")]
    [InlineData("&pin-source=/run/pin", "1234")]
    [InlineData("&pin-source=/run/pin&pin-value=1234", null)]
    public void Read_NoPinOrTwo_IsRefused(string rest, string? pin) =>
        Assert.Contains("PIN", Assert.Throws<FormatException>(() => HsmOptions.Read(Least + rest, pin)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("1234\n", "1234")]
    [InlineData("1234\r\n", "1234")]
    [InlineData(" 12 34", " 12 34")]
    public void PinFile_OneLine_IsThePin(string content, string pin) => Assert.Equal(pin, ReadPin(content));

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("1234\n5678\n")]
    [InlineData("12\u000034")]
    public void PinFile_SomethingElse_IsRefused(string content) => Assert.Throws<IOException>(() => ReadPin(content));

    [Theory]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void PinFile_OpenToOthers_IsRefused(UnixFileMode mode) =>
        Assert.Contains("chmod", Assert.Throws<IOException>(() => ReadPin("1234", mode)).Message, StringComparison.Ordinal);

    [Fact]
    public void PinFile_OpenToItsGroup_IsRead() => Assert.Equal("1234", ReadPin("1234", UnixFileMode.GroupRead));

    private static string ReadPin(string content, UnixFileMode more = UnixFileMode.None)
    {
        var directory = Directory.CreateTempSubdirectory("okms-test-");
        try
        {
            var file = Path.Combine(directory.FullName, "pin");
            File.WriteAllText(file, content);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);
            return Encoding.UTF8.GetString(HsmOptions.Read(Least + "&pin-source=" + file, pin: null).Pin.Read());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
