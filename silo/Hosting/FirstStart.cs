using OrleansKms.Gateway.Cluster;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Silo.Hosting;

/// <summary>What a person at a terminal reads at the end of the first start: where the service is, where its token is, what to try.</summary>
internal static class FirstStart
{
    private const string Program = "okms";
    private const int DefaultPort = 8080;
    private const string LocalTokenFile = "okms-data/admin.token";

    /// <summary>Writes it once requests are served; nothing at a later start, and nothing where no person reads.</summary>
    /// <param name="app">The host.</param>
    /// <param name="token">The administrator's token.</param>
    public static void Welcome(this WebApplication app, TokenFile? token)
    {
        if (token is not { IsNew: true } || Console.IsOutputRedirected) return;
        app.Lifetime.ApplicationStarted.Register(() => _ = Write());

        async Task Write()
        {
            await app.Services.GetRequiredService<ClusterLink>().Connected;
            await Console.Out.WriteAsync(Text(Listening.Describe(app), token.Path, Call(), Environment.CurrentDirectory));
        }
    }

    /// <summary>The text.</summary>
    /// <param name="addresses">Where it listens, with commas between.</param>
    /// <param name="tokenPath">The file of the administrator's token.</param>
    /// <param name="call">How this program is called.</param>
    /// <param name="directory">Where the person is, and probably will be in the second terminal.</param>
    internal static string Text(string addresses, string tokenPath, string call, string directory)
    {
        // What a command does not find by itself it must be told.
        var address = addresses.Split(',')[0].Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        var isDefault = Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri is { Scheme: "http", IsLoopback: true, Port: DefaultPort };
        var settings = isDefault ? "" : $"OKMS_URL={address} ";
        if (tokenPath != Path.Combine(directory, LocalTokenFile)) settings += $"OKMS_TOKEN_FILE={tokenPath} ";
        return $"""

              OrleansKms listens at {addresses}
              The administrator's token is in {tokenPath}
              In a second terminal, in this directory, try: {settings}{call} keys create first


            """;
    }

    /// <summary>How the program is called: by its name where the shell finds it, otherwise by its path.</summary>
    private static string Call()
    {
        if (Environment.ProcessPath is not { } path) return Program;
        // Run by another program: `dotnet okms.dll`.
        if (Path.GetFileNameWithoutExtension(path) != Program) return $"{path} {Environment.GetCommandLineArgs()[0]}";
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(directory => new FileInfo(Path.Combine(directory, Program))).FirstOrDefault(file => file.Exists);
        return found is not null && (found.ResolveLinkTarget(returnFinalTarget: true) ?? found).FullName == path ? Program : path;
    }
}
