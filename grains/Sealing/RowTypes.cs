using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// How the contents of rows become bytes: UTF-8 JSON by source-generated serializers. A folder with rows of its own registers the
/// <see cref="JsonSerializerContext"/> of their types with <see cref="AddRowTypes"/>.
/// </summary>
public static class RowTypesExtensions
{
    /// <summary>Registers row types, so that the sealed storage can store them.</summary>
    /// <param name="services">The silo's services.</param>
    /// <param name="context">A source-generated context with a <c>[JsonSerializable]</c> for each type.</param>
    public static IServiceCollection AddRowTypes(this IServiceCollection services, JsonSerializerContext context) =>
        services.AddSingleton(new RowTypesRegistration(context));
}

/// <summary>A registered context.</summary>
internal sealed record RowTypesRegistration(JsonSerializerContext Context);

/// <summary>Finds the serializer of a row type among the registered contexts.</summary>
internal sealed class RowTypes(IEnumerable<RowTypesRegistration> registrations)
{
    private readonly RowTypesRegistration[] _registrations = [.. registrations];
    private readonly ConcurrentDictionary<Type, JsonTypeInfo> _found = new();

    /// <summary>Writes a row's content.</summary>
    public byte[] Write<T>(T row) => JsonSerializer.SerializeToUtf8Bytes(row, (JsonTypeInfo<T>)Find(typeof(T)));

    /// <summary>Reads a row's content.</summary>
    /// <exception cref="JsonException">The content is not one of this type.</exception>
    public T? Read<T>(ReadOnlySpan<byte> content) => JsonSerializer.Deserialize(content, (JsonTypeInfo<T>)Find(typeof(T)));

    private JsonTypeInfo Find(Type type) => _found.GetOrAdd(type, t =>
        _registrations.Select(r => r.Context.GetTypeInfo(t)).FirstOrDefault(info => info is not null)
        ?? throw new InvalidOperationException($"The row type {t.Name} is in no context registered with AddRowTypes."));
}
