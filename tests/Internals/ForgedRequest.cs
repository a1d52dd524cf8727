namespace OrleansKms.Tests.Internals;

/// <summary>A request of any type, made up by somebody who knows the contract.</summary>
/// <param name="caller">Who asks.</param>
/// <param name="proof">What it says to prove, where it has a place for that.</param>
/// <param name="isFull">Whether all that may be there is there, twice where there may be several; else only what must be.</param>
internal sealed class ForgedRequest(Caller caller, AdministratorProof? proof, bool isFull)
{
    private const string Name = "attacked";

    public object Of(Type type)
    {
        var constructor = type.GetConstructors().MaxBy(one => one.GetParameters().Count(parameter => parameter.ParameterType != type))!;
        var request = constructor.Invoke([.. constructor.GetParameters().Select(parameter => ValueOf(parameter.ParameterType))]);
        foreach (var property in type.GetProperties().Where(property => property.CanWrite && (isFull || property.GetValue(request) is null or "" or 0)))
        {
            property.SetValue(request, ValueOf(property.PropertyType));
        }

        return request;
    }

    private object? ValueOf(Type type) =>
        type == typeof(Caller) ? caller with { }
        : type == typeof(AdministratorProof) ? proof
        : type == typeof(string) ? Name
        : type == typeof(int) ? 1
        : type == typeof(TimeSpan) ? TimeSpan.FromHours(1)
        : type == typeof(byte[]) ? isFull ? new byte[100] : Array.Empty<byte>()
        : type.IsArray ? ArrayOf(type.GetElementType()!)
        : !isFull ? type.IsValueType ? Activator.CreateInstance(type) : null
        : type == typeof(long) ? 1_000_000_000L
        : type == typeof(bool) ? true
        : type == typeof(DateTimeOffset) ? DateTimeOffset.UnixEpoch
        : type == typeof(IReadOnlyDictionary<string, string>) ? new Dictionary<string, string> { ["a"] = "b", ["c"] = Name }
        : type.IsEnum ? Enum.GetValues(type).GetValue(1)
        : Nullable.GetUnderlyingType(type) is { } value ? ValueOf(value)
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? ArrayOf(type.GetGenericArguments()[0])
        : Of(type);

    // Without elements the one that all of its type share, as the contract's own messages have it.
    private Array ArrayOf(Type element)
    {
        if (!isFull) return (Array)typeof(Array).GetMethod(nameof(Array.Empty))!.MakeGenericMethod(element).Invoke(null, null)!;
        var array = Array.CreateInstance(element, 2);
        for (var i = 0; i < array.Length; i++) array.SetValue(ValueOf(element), i);
        return array;
    }
}
