using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Silo.Verbs.Cryptography;
using OrleansKms.Silo.Verbs.Keys;

namespace OrleansKms.Silo.Verbs.Access;

/// <summary>The verbs of <c>okms token</c>.</summary>
internal static class ApiTokenVerbs
{
    /// <summary>The noun with all its verbs.</summary>
    public static Command Command(VerbContext context) => Verb.Group("token", "", Create(context), List(context), Revoke(context));

    private static Command Create(VerbContext context)
    {
        var name = PrincipalVerbs.Name();
        var expires = Verb.Text("--expires-in", "DURATION", "How long it is good for, as P30D; P90D by default.");
        var description = Verb.Text("--description", "TEXT", "Free text.");
        var file = Verb.NewFile(context, "--out", "Writes it to a new file that only you may read, as --token-file takes it.");
        return Verb.Of(context, "create", "Creates a token, and prints it this once.", [name, expires, description, file], async run =>
        {
            var body = new JsonObject();
            body.Set("expires_in", run.Get(expires));
            body.Set("description", run.Get(description));
            return await run.Answer(ServiceCall.Change(ServiceCall.Of($"v1/principals/{run.Require(name)}/tokens"), body), async json =>
            {
                var token = json.Text("token") ?? "";
                try
                {
                    if (run.Get(file) is { } to) run.Output.File(to, Encoding.ASCII.GetBytes(token + "\n"));
                    else await run.Output.Line(token);
                }
                catch (Exception e) when (e is VerbException or IOException)
                {
                    throw new VerbException(
                        "io", $"The token {json.Text("id")} was created, but could not be written: {e.Message.TrimEnd('.')}.", ExitCode.Part,
                        $"Revoke it with okms token revoke {run.Require(name)} {json.Text("id")}, and create another.", e);
                }

                await run.Say($"It is the token {json.Text("id")} of {run.Require(name)}, good until {json.Text("expires_at")}{(run.Get(file) is { } there ? $", and is in {there}" : "; it is shown only now")}.");
            });
        });
    }

    private static Command List(VerbContext context)
    {
        var name = PrincipalVerbs.Name();
        return Verb.Of(context, "list", "Lists a principal's tokens, without their secrets.", [name], run => run.Answer(
            ServiceCall.Get(ServiceCall.Of($"v1/principals/{run.Require(name)}/tokens")),
            json => run.Output.Table(["ID", "CREATED", "EXPIRES", "LAST USED", "DESCRIPTION"], [.. json.List("tokens").Select(one => (string?[])
            [
                one.Text("id"), KeyText.Minute(one.Text("created_at")), KeyText.Minute(one.Text("expires_at")), KeyText.Minute(one.Text("last_used_at")) ?? "never", one.Text("description"),
            ])])));
    }

    private static Command Revoke(VerbContext context)
    {
        var (name, id, yes) = (PrincipalVerbs.Name(), new Argument<string>("ID") { Description = "The token's id, as list names it." }, Verb.Yes());
        return Verb.Of(context, "revoke", "Revokes a token, everywhere within 5 s.", [name, id, yes], async run =>
        {
            await Confirmation.Ask(run, run.Get(yes), run.Require(id), $"Whoever uses the token {run.Require(id)} of {run.Require(name)} no longer can.");
            return await run.Answer(
                new ServiceCall(HttpMethod.Delete, ServiceCall.Of($"v1/principals/{run.Require(name)}/tokens/{run.Require(id)}")),
                _ => $"revoked {run.Require(id)}, everywhere within 5 s");
        });
    }
}
