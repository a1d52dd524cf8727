using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Access;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Storage;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Creates the administrator of a cluster: a random token, whose hash the database keeps in a sealed row. The token is shown
/// once, and cannot be shown again.
/// </summary>
internal static class CreateAdministrator
{
    private const string Replace = "--replace";

    /// <summary>The command.</summary>
    public static Command Command()
    {
        var replace = new Option<bool>(Replace) { Description = "Replaces the existing token." };
        var file = new Option<string>("--token-file") { HelpName = "PATH", Description = "Writes the token to a new file instead of standard output." };
        var command = new Command("create-administrator", "Creates the administrator's token of a cluster, and shows it "
            + "once.") { replace, file };
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
                throw new StartRefusedException($"This cluster has an administrator. To replace its token, add {Replace}.");
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
        // The file first: a token that could not be saved must not have become the administrator's.
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
            await Console.Error.WriteLineAsync("The administrator's token, which is stored nowhere:");
            Console.WriteLine(token);
        }
        else
        {
            await Console.Error.WriteLineAsync($"The administrator's token was written to {tokenFile}");
        }
    }
}
