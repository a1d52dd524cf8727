using System.Diagnostics;
using System.Globalization;

namespace OrleansKms.Tests.Bench;

/// <summary>An operation of <c>openssl speed</c>.</summary>
/// <param name="Algorithm">Its argument, for example <c>ecdsap256</c>.</param>
/// <param name="Column">Which figure of its result: 0 for the private key's operation, 1 for the public key's.</param>
/// <param name="Bytes">The length of messages, where it counts bytes.</param>
internal sealed record OpenSslOperation(string Algorithm, int Column = 0, int? Bytes = null);

/// <summary>What <c>openssl speed</c> says, in operations a second of CPU.</summary>
internal static class OpenSslSpeed
{
    private static readonly Dictionary<string, string> _results = [];

    public static async Task<double> Of(OpenSslOperation operation)
    {
        var arguments = operation.Bytes is { } bytes ? FormattableString.Invariant($"-bytes {bytes} {operation.Algorithm}") : operation.Algorithm;
        if (!_results.TryGetValue(arguments, out var result))
        {
            using var openssl = Process.Start(new ProcessStartInfo("openssl", "speed -mr -seconds 1 " + arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var errors = openssl.StandardError.ReadToEndAsync();
            result = await openssl.StandardOutput.ReadToEndAsync();
            await errors;
            _results.Add(arguments, result);
        }

        // "+F2:2:2048:4200.0:59993.5", and of what counts bytes "+F:22:hmac(sha256):1000000.0".
        var line = result.Split('\n').Single(l => l.StartsWith("+F", StringComparison.Ordinal)).Split(':');
        var figures = line.Reverse().TakeWhile(part => double.TryParse(part, CultureInfo.InvariantCulture, out _) && part.Contains('.', StringComparison.Ordinal))
            .Select(part => double.Parse(part, CultureInfo.InvariantCulture)).Reverse().ToArray();
        return figures[operation.Column] / (operation.Bytes ?? 1);
    }
}
