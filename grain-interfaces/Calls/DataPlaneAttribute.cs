namespace OrleansKms;

/// <summary>
/// Marks a method that works with a key and changes nothing that anyone is told of, so that running it twice does no harm: it
/// spends at most one use too many. Clients of a cluster give such a call little time and repeat it when it failed on the way
/// or was not answered; any other call they repeat only when it cannot have run.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
[InvokableBaseType(typeof(GrainReference), typeof(ValueTask<>), typeof(DataPlaneRequest<>))]
[InvokableBaseType(typeof(GrainReference), typeof(Task<>), typeof(DataPlaneTaskRequest<>))]
public sealed class DataPlaneAttribute : Attribute;
