namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>
/// Tests that hurt a whole cluster under load run after all others and one by one, so that what they see is what they did.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
