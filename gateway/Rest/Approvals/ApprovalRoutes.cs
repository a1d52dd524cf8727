using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Approvals;

/// <summary>Operations that need approval: a row for each command.</summary>
internal static class ApprovalRoutes
{
    private const string One = "/v1/approvals/{id}";

    /// <summary>All of them.</summary>
    public static Route[] All { get; } =
    [
        new Route(HttpMethods.Get, One, "Describes an operation that needs approval.", exchange => Answer(exchange, ApprovalCommands.Describe)) { Id = "DescribeApproval" }
            .Requires(KmsOperation.DescribeApproval).Answers<ApprovalAnswer>(),
        Of("approve", "Approve", "Approves an operation; the last approval carries it out.", KmsOperation.Approve, ApprovalCommands.Approve),
        Of("reject", "RejectApproval", "Rejects an operation, which ends it.", KmsOperation.RejectApproval, ApprovalCommands.Reject),
        Of("cancel", "CancelApproval", "Withdraws an operation that is pending approval.", KmsOperation.CancelApproval, ApprovalCommands.Cancel),
    ];

    private static Route Of(
        string command, string id, string summary, KmsOperation operation, Func<Call, string, string, Task<ApprovalDescription>> run) =>
        new Route(HttpMethods.Post, One + "/" + command, summary, exchange => AnswerCommand(exchange, run)) { Id = id }
            .Requires(operation).Answers<ApprovalAnswer>();

    private static async Task Answer(RestExchange exchange, Func<Call, string, string, Task<ApprovalDescription>> run)
    {
        var key = await FindKey(exchange);
        await Answer(exchange, key, run);
    }

    private static async Task AnswerCommand(RestExchange exchange, Func<Call, string, string, Task<ApprovalDescription>> run)
    {
        var key = await FindKey(exchange);
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        await Answer(exchange, key, run);
    }

    private static async Task Answer(RestExchange exchange, string? key, Func<Call, string, string, Task<ApprovalDescription>> run) =>
        await exchange.Answer(
            ApprovalAnswer.Of(await run(exchange, key ?? throw KmsError.ApprovalNotFound.Exception(), exchange.RouteValue("id"))),
            RestJson.Default.ApprovalAnswer);

    /// <summary>The key in the approval's id, with the route's operation authorized for it; null if the id is malformed.</summary>
    /// <exception cref="KmsException">permission_denied.</exception>
    private static async ValueTask<string?> FindKey(RestExchange exchange)
    {
        if (ApprovalId.TryRead(exchange.RouteValue("id"), out var key, out _)) return await exchange.FindKey(key);
        exchange.Authorize(exchange.Route!.Operation!);
        return null;
    }
}
