using OrleansKms.Gateway.Operations;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>That the gateway's folders are layers, and that its use-cases are free of HTTP.</summary>
public sealed class FolderTests
{
    private const string Root = "OrleansKms.Gateway";

    [Fact]
    public void Folders_FormNoCircle()
    {
        var references = new FolderReferences(typeof(Call).Assembly, Root);
        Assert.Superset(new HashSet<string> { "Hosting", "Rest", "Wires", "Operations", "Access", "Limits" }, references.Folders.ToHashSet());
        var circle = references.Circle();
        Assert.True(circle is null, circle);
    }

    [Fact]
    public void Operations_KnowNothingOfHttp()
    {
        var types = typeof(Call).Assembly.GetTypes().Where(type => type.Namespace == typeof(Call).Namespace).ToList();
        Assert.NotEmpty(types);
        Assert.All(types, type => Assert.DoesNotContain(
            FolderReferences.TypesIn(type).SelectMany(FolderReferences.Parts),
            other => other.Namespace?.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) is true));
    }
}
