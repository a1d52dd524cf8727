using System.Text.Json;
using OrleansKms.Grains.Access;

namespace OrleansKms.Tests.Unit.Access;

public sealed class AccessLedgerRowTests
{
    [Fact]
    public void Entry_KeepsItsStoredNames()
    {
        const string stored = """{"name":"policy:p","revision":9,"least_stamp":7}""";
        var entry = JsonSerializer.Deserialize(stored, AccessRowJson.Default.AccessLedgerEntry)!;
        Assert.Equal(new AccessLedgerEntry("policy:p", 9, 7), entry);
        Assert.Equal(stored, JsonSerializer.Serialize(entry, AccessRowJson.Default.AccessLedgerEntry));
    }
}
