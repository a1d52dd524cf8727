using System.CommandLine;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Cryptography;

/// <summary>Arguments and options that several verbs of cryptography have.</summary>
internal static class CryptographyOptions
{
    /// <summary>What is encrypted, signed or authenticated.</summary>
    public static Argument<string?> Input(string name) => new(name)
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = $"It is {VerbInput.Forms}, which is the default. Everyone on this machine sees what is on a command line: give secrets as a file or input.",
    };

    /// <summary>What the service has made.</summary>
    public static Argument<string?> Made(string name) => new(name) { Arity = ArgumentArity.ZeroOrOne, Description = $"It is {VerbInput.BinaryForms}, which is the default." };

    /// <summary>Associated data.</summary>
    public static Option<string?> AssociatedData() => Verb.Text("--aad", "VALUE", $"Associated data, which decryption must repeat: {VerbInput.Forms}.");

    /// <summary>An algorithm.</summary>
    public static Option<string?> Algorithm() => Verb.Text("--algorithm", "NAME", "One of the key's algorithms; by default the first that okms keys show lists.");

    /// <summary>A ciphertext without a header.</summary>
    public static Option<bool> Bare() => Verb.Switch("--bare", "The ciphertext is the bare one of RSA, without the header that names key and version.");

    /// <summary>Sets a field to bytes, if there are any.</summary>
    public static void Set(this JsonObject body, string name, byte[]? bytes)
    {
        if (bytes is not null) body[name] = Convert.ToBase64String(bytes);
    }

    /// <summary>Sets a field to a text, if there is one.</summary>
    public static void Set(this JsonObject body, string name, string? text)
    {
        if (text is not null) body[name] = text;
    }

    /// <summary>Sets a field to a number, if there is one.</summary>
    public static void Set(this JsonObject body, string name, int? number)
    {
        if (number is { } value) body[name] = value;
    }

    /// <summary>Sets a flag that is on.</summary>
    public static void Set(this JsonObject body, string name, bool flag)
    {
        if (flag) body[name] = true;
    }
}
