namespace OrleansKms;

/// <summary>
/// Names the operation of a grain method. The method takes one message, an <see cref="ICallerRequest"/>; a call whose message
/// names no caller is refused before the method begins.
/// </summary>
/// <param name="name">The name of a row of <see cref="KmsOperation"/>.</param>
[AttributeUsage(AttributeTargets.Method)]
[InvokableCustomInitializer("SetOperation")]
[InvokableBaseType(typeof(GrainReference), typeof(ValueTask<>), typeof(OperationRequest<>))]
[InvokableBaseType(typeof(GrainReference), typeof(Task<>), typeof(OperationTaskRequest<>))]
[InvokableBaseType(typeof(GrainReference), typeof(Task), typeof(OperationTaskRequest))]
public class OperationAttribute(string name) : Attribute
{
    /// <summary>The name of a row of <see cref="KmsOperation"/>.</summary>
    public string Name { get; } = name;
}
