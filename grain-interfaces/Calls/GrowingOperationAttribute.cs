namespace OrleansKms;

/// <summary>
/// Names the operation of a method whose message has got fields that older silos pass over: such a message travels by
/// <see cref="IKeyApprovalsGrain"/>, which older silos lack, so that nothing in it is ignored.
/// </summary>
/// <param name="name">The name of a row of <see cref="KmsOperation"/>.</param>
[AttributeUsage(AttributeTargets.Method)]
[InvokableCustomInitializer("SetOperation")]
[InvokableBaseType(typeof(GrainReference), typeof(Task<>), typeof(GrowingRequest<>))]
public sealed class GrowingOperationAttribute(string name) : OperationAttribute(name);
