using System.Reflection;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>An object that answers the calls of an interface by one function.</summary>
public class FakeGrain : DispatchProxy
{
    private Func<MethodInfo, object?[]?, object?> _answer = (_, _) => null;

    public static T Of<T>(Func<MethodInfo, object?[]?, object?> answer) => (T)Of(typeof(T), answer);

    public static object Of(Type type, Func<MethodInfo, object?[]?, object?> answer)
    {
        var fake = Create(type, typeof(FakeGrain));
        ((FakeGrain)fake)._answer = answer;
        return fake;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answer(targetMethod!, args);
}
