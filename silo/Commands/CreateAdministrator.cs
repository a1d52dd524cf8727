using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Makes the administrator of a cluster: a random token, of which the database keeps the hash in a sealed row. The token is
/// told once, and cannot be told again.
/// </summary>
internal static class CreateAdministrator
{
    private const string Replace = "--replace";

    /// <summary>The command.</summary>
    public static Command Command()
    {
        var replace = new Option<bool>(Replace) { Description = "Puts the new token in the place of the one that there is." };
        var file = new Option<string>("--token-file") { HelpName = "PATH", Description = "Writes the token to a new file instead of standard output." };
        var command = new Command("create-administrator", "Makes the administrator's token of a cluster, which is told once.") { replace, file };
        command.SetAction((call, _) => Run(call.GetValue(replace), call.GetValue(file) is { } path ? Path.GetFullPath(path) : null));
        return command;
    }

    private static async Task Run(bool replace, string? tokenFile)
    {
        using var host = StorageHost.Build();
        await using var open = await host.Services.GetRequiredService<StorageSession>().Open(CancellationToken.None);
        var access = host.Services.GetRequiredService<AdministratorAccess>();
        try
        {
            if (!replace && await access.Exists())
            {
                throw new StartRefusedException($"This cluster has an administrator. With {Replace} a new token takes the place of theirs.");
            }

            await Make(access, tokenFile);
        }
        catch (KmsException e)
        {
            throw new StartRefusedException($"The row of the administrator does not open ({e.Code}).", e);
        }
        catch (StorageFailedException e)
        {
            throw new StartRefusedException($"The database failed: {e.InnerException?.Message}", e);
        }
    }

    private static async Task Make(AdministratorAccess access, string? tokenFile)
    {
        var token = TokenFile.New();
        // The file first: a token that could not be kept must not have become the administrator's.
        if (tokenFile is not null) TokenFile.WriteNew(tokenFile, token);
        try
        {
            await access.Set(SHA256.HashData(Encoding.ASCII.GetBytes(token)));
        }
        catch
        {
            if (tokenFile is not null) File.Delete(tokenFile);
            throw;
        }

        if (tokenFile is null)
        {
            await Console.Error.WriteLineAsync("The administrator's token, which is not kept anywhere:");
            Console.WriteLine(token);
        }
        else
        {
            await Console.Error.WriteLineAsync($"The administrator's token was written to {tokenFile}");
        }
    }
}
