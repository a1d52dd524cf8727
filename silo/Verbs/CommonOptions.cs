using System.CommandLine;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Verbs;

/// <summary>The options that every verb has.</summary>
internal sealed class CommonOptions
{
    /// <summary>Answers as the HTTP interface does.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Prints the service's answer as JSON." };

    /// <summary>The service.</summary>
    public Option<string?> Url { get; } = new("--url")
    {
        HelpName = "URL",
        Description = $"The service's address. By default {ClientVariables.Url}, or {ServiceConnection.DefaultAddress}.",
    };

    /// <summary>The token's file. There is no option for the token itself, since everyone on the machine sees a command line.</summary>
    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        HelpName = "FILE",
        Description = $"The file with the token. By default that of {ClientVariables.TokenFile}, then {ClientVariables.Token} itself, "
            + $"then {ServiceConnection.LocalTokenFile} for a service on this machine.",
    };

    /// <summary>The authorities.</summary>
    public Option<string?> AuthorityFile { get; } = new("--ca-file")
    {
        HelpName = "FILE",
        Description = $"The authorities that sign the service's certificate, as PEM. By default {ClientVariables.AuthorityFile}, or those of the system.",
    };

    /// <summary>Sends secrets where everybody on the way can read them.</summary>
    public Option<bool> InsecurePlainHttp { get; } = new("--insecure-plain-http")
    {
        Description = "Sends token and data unencrypted to another machine, where everyone on the way can read them.",
    };

    /// <summary>How long to wait for an answer.</summary>
    public Option<int> Timeout { get; } = new("--timeout")
    {
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 60,
        Description = "How long to wait for each answer.",
    };

    /// <summary>Adds them to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Add(Json);
        verb.Add(Url);
        verb.Add(TokenFile);
        verb.Add(AuthorityFile);
        verb.Add(InsecurePlainHttp);
        verb.Add(Timeout);
    }
}
