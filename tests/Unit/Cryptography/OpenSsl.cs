using System.Diagnostics;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>The <c>openssl</c> command, as an implementation that is not ours.</summary>
internal static class OpenSsl
{
    /// <summary>Runs a command.</summary>
    /// <param name="input">What it reads.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>What it writes.</returns>
    internal static async Task<byte[]> Run(byte[] input, params string[] arguments)
    {
        using var openssl = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = openssl.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        var reading = openssl.StandardOutput.BaseStream.CopyToAsync(output);
        try
        {
            await openssl.StandardInput.BaseStream.WriteAsync(input);
            openssl.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading: its error says why.
        }

        await reading;
        await openssl.WaitForExitAsync();
        Assert.True(openssl.ExitCode == 0, await error);
        return output.ToArray();
    }
}
