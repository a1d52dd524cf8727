namespace OrleansKms.Tests.Internals;

/// <summary>A request of any type, made up by somebody who knows the contract.</summary>
internal static class ForgedRequest
{
    private const string Name = "attacked";

    public static object Of(Type type, Caller caller, AdministratorProof? proof)
    {
        var constructor = type.GetConstructors().MaxBy(one => one.GetParameters().Count(parameter => parameter.ParameterType != type))!;
        var request = constructor.Invoke([.. constructor.GetParameters().Select(parameter => ValueOf(parameter.ParameterType))]);
        foreach (var property in type.GetProperties().Where(property => property.CanWrite && property.GetValue(request) is null or "" or 0))
        {
            property.SetValue(request, ValueOf(property.PropertyType));
        }

        return request;

        object? ValueOf(Type wanted) =>
            wanted == typeof(Caller) ? caller
            : wanted == typeof(AdministratorProof) ? proof
            : wanted == typeof(string) ? Name
            : wanted == typeof(int) ? 1
            : wanted == typeof(TimeSpan) ? TimeSpan.FromHours(1)
            : wanted.IsArray ? Array.CreateInstance(wanted.GetElementType()!, 0)
            : wanted.IsValueType ? Activator.CreateInstance(wanted)
            : null;
    }
}
