using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// Asks the service to rewrap, many ciphertexts a call. What the service cannot do now is asked again, after the time that it names, for as
/// long as the run's patience goes; what it refuses for good becomes the record's outcome.
/// </summary>
/// <param name="send">Sends a call.</param>
/// <param name="patience">How long the service may be without an answer.</param>
/// <param name="time">The clock.</param>
internal sealed class RewrapCalls(Func<ServiceCall, CancellationToken, Task<ServiceAnswer>> send, TimeSpan patience, TimeProvider time)
{
    // One message to a key for all of its ciphertexts; below this number keys share a call.
    private const int FewOfAKey = 16;

    // Errors of one item among others that time mends.
    private static readonly HashSet<string> _passing = new(StringComparer.Ordinal)
    {
        "rate_limited", "overloaded", "unavailable", "storage_unavailable", "hsm_unavailable", "audit_unavailable", "timeout", "request_timeout",
    };

    /// <summary>Rewraps records, each of which has a ciphertext and a key.</summary>
    /// <exception cref="VerbException">The service was without an answer for too long, or does not know this caller.</exception>
    public async Task Rewrap(IReadOnlyList<RewrapRecord> records, CancellationToken cancellationToken)
    {
        var byKey = records.GroupBy(record => record.Key!, StringComparer.Ordinal).ToList();
        foreach (var group in byKey.Where(group => group.Count() >= FewOfAKey)) await Rewrap(group.Key, [.. group], cancellationToken);
        var few = byKey.Where(group => group.Count() < FewOfAKey).SelectMany(group => group).ToList();
        if (few.Count > 0) await Rewrap(null, few, cancellationToken);
    }

    /// <param name="key">The key of all records; null where each has its own.</param>
    /// <param name="records">The records.</param>
    /// <param name="cancellationToken">Ends it.</param>
    private async Task Rewrap(string? key, List<RewrapRecord> records, CancellationToken cancellationToken)
    {
        for (var waiting = new Patience(patience, time); ;)
        {
            VerbException why;
            try
            {
                var left = Take((await send(CallOf(key, records), cancellationToken)).Json, records);
                if (left.Count == 0) return;
                if (left.Count < records.Count) waiting.Renew();
                (records, why) = (left, new("try_later", "The service cannot rewrap the rest now.", ExitCode.TryLater));
            }
            catch (VerbException e) when (Patience.Mends(e))
            {
                why = e;
            }
            catch (VerbException e) when (e.Code is not ("unauthenticated" or "usage") && e.ExitCode is ExitCode.Refused or ExitCode.Permission or ExitCode.NotFound)
            {
                await Refused(key, records, e, cancellationToken);
                return;
            }

            await waiting.Wait(why, cancellationToken);
        }
    }

    // A whole call is refused for its key, or for one record among others that deserve an answer of their own.
    private async Task Refused(string? key, List<RewrapRecord> records, VerbException refusal, CancellationToken cancellationToken)
    {
        var isOfKey = key is not null && (refusal.ExitCode != ExitCode.Refused || refusal.Code.StartsWith("key_", StringComparison.Ordinal) || refusal.Code is "wrong_key_usage" or "invalid_key_id");
        if (records.Count == 1 || isOfKey)
        {
            foreach (var record in records) record.Outcome = RewrapOutcome.Failed(refusal.Code, refusal.Message);
            return;
        }

        if (refusal.ExitCode != ExitCode.Refused) throw refusal;
        var half = records.Count / 2;
        await Rewrap(key, records[..half], cancellationToken);
        await Rewrap(key, records[half..], cancellationToken);
    }

    private static ServiceCall CallOf(string? key, List<RewrapRecord> records)
    {
        var items = new JsonArray();
        foreach (var record in records)
        {
            var item = new JsonObject();
            if (key is null) (item["op"], item["key_id"]) = ("rewrap", record.Key);
            item["ciphertext"] = Convert.ToBase64String(record.Fields.Ciphertext!);
            if (record.AssociatedData is { } associatedData) item["associated_data"] = Convert.ToBase64String(associatedData);
            items.Add((JsonNode)item);
        }

        return key is null
            ? ServiceCall.Use("v1/batch", new JsonObject { ["operations"] = items })
            : ServiceCall.Use(ServiceCall.Of($"v1/keys/{key}/rewrap"), new JsonObject { ["items"] = items });
    }

    /// <summary>Takes the answers.</summary>
    /// <returns>The records that must be asked again.</returns>
    private static List<RewrapRecord> Take(JsonElement answer, List<RewrapRecord> records)
    {
        var results = answer.List("results").ToList();
        if (results.Count != records.Count) throw Unreadable();
        var again = new List<RewrapRecord>();
        foreach (var (record, result) in records.Zip(results))
        {
            if (result.Field("error") is not { } error)
            {
                // What is written in place of a ciphertext is one: the old one is gone with the input.
                var ciphertext = result.Bytes("ciphertext");
                record.Outcome = CiphertextHeader.TryRead(ciphertext, out _) ? RewrapOutcome.Rewrapped(Convert.ToBase64String(ciphertext)) : throw Unreadable();
            }
            else if (error.Text("code") is { } code && !_passing.Contains(code))
            {
                record.Outcome = RewrapOutcome.Failed(code, error.Text("detail") ?? code);
            }
            else
            {
                again.Add(record);
            }
        }

        return again;
    }

    private static VerbException Unreadable() =>
        new("unreadable_answer", "The service's answer is not one to a rewrap.", ExitCode.Unreachable, "Is this the service's address, and its version the same?");
}
