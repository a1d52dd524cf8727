using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>Commands for one principal without a body: a row each.</summary>
internal static class PrincipalCommandRoutes
{
    /// <summary>The rows.</summary>
    public static Route[] All { get; } =
    [
        new Route(HttpMethods.Get, "/v1/principals/{name}", "Describes a principal.", Describe) { Id = "DescribePrincipal" }
            .Requires(KmsOperation.DescribePrincipal).Answers<PrincipalAnswer>(),
        new Route(HttpMethods.Delete, "/v1/principals/{name}", "Removes a principal and its tokens. The name may be reused.", Delete) { Id = "DeletePrincipal" }
            .Requires(KmsOperation.DeletePrincipal).AnswersNothing(),
        Command("enable", "EnablePrincipal", "Allows a principal to sign in again.", KmsOperation.EnablePrincipal, PrincipalCommands.Enable),
        Command("disable", "DisablePrincipal", "Prevents a principal from signing in until it is enabled.", KmsOperation.DisablePrincipal, PrincipalCommands.Disable),
    ];

    private static async Task Describe(RestExchange exchange)
    {
        var principal = await PrincipalCommands.Describe(exchange, PrincipalFields.Name(exchange));
        await exchange.Answer(PrincipalAnswer.Of(principal), RestJson.Default.PrincipalAnswer);
    }

    private static async Task Delete(RestExchange exchange)
    {
        await PrincipalCommands.Delete(exchange, PrincipalFields.Name(exchange));
        await exchange.AnswerNothing();
    }

    private static Route Command(
        string command, string id, string summary, KmsOperation operation, Func<Call, string, Task<PrincipalDescription>> run) =>
        new Route(HttpMethods.Post, "/v1/principals/{name}/" + command, summary, exchange => Answer(exchange, run)) { Id = id }
            .Requires(operation).Answers<PrincipalAnswer>();

    private static async Task Answer(RestExchange exchange, Func<Call, string, Task<PrincipalDescription>> run)
    {
        var name = PrincipalFields.Name(exchange);
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        await exchange.Answer(PrincipalAnswer.Of(await run(exchange, name)), RestJson.Default.PrincipalAnswer);
    }
}
