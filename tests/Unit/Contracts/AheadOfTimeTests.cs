using System.Reflection;

namespace OrleansKms.Tests.Unit.Contracts;

public sealed class AheadOfTimeTests
{
    /// <summary>
    /// A published program is compiled ahead of time, except for whatever touches a 128-bit integer: one field of that type and all
    /// that handles its struct, here the key grain and its sealing, waits for the compiler at a start and at the first requests.
    /// </summary>
    [Theory]
    [InlineData(typeof(IKeyGrain))]
    [InlineData(typeof(OrleansKms.Grains.Hosting.KmsGrainsExtensions))]
    [InlineData(typeof(OrleansKms.Gateway.Hosting.GatewayExtensions))]
    public void NoFieldKeepsCodeFromBeingCompiledAhead(Type inAssembly)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var fields = inAssembly.Assembly.GetTypes().SelectMany(type => type.GetFields(All)).ToList();
        Assert.NotEmpty(fields);
        Assert.DoesNotContain(fields, field => field.FieldType == typeof(UInt128) || field.FieldType == typeof(Int128));
    }
}
