using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Which types the types of an assembly refer to, from what was compiled: signatures, fields, bases and the code itself.</summary>
internal sealed class FolderReferences
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> _opCodes =
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    private readonly Dictionary<string, Dictionary<string, (Type From, Type To)>> _edges = [];

    /// <summary>Reads an assembly.</summary>
    /// <param name="assembly">The assembly.</param>
    /// <param name="root">The namespace whose first level below is its folders.</param>
    public FolderReferences(Assembly assembly, string root)
    {
        foreach (var type in assembly.GetTypes())
        {
            if (FolderOf(type, root) is not { } folder) continue;
            var edges = _edges.TryGetValue(folder, out var known) ? known : _edges[folder] = [];
            foreach (var other in TypesIn(type).SelectMany(Parts))
            {
                if (FolderOf(other, root) is { } target && target != folder) edges.TryAdd(target, (type, other));
            }
        }
    }

    /// <summary>The folders.</summary>
    public IEnumerable<string> Folders => _edges.Keys;

    /// <summary>A circle of folders, each with the types by which it refers to the next; null when there is none.</summary>
    public string? Circle()
    {
        var done = new HashSet<string>();
        var path = new List<string>();
        return _edges.Keys.Select(folder => Find(folder, path, done)).FirstOrDefault(circle => circle is not null);
    }

    /// <summary>What refers to a folder that is not below it.</summary>
    /// <param name="layers">The folders, from the lowest layer to the highest; those of one layer do not know each other.</param>
    public IEnumerable<string> Upward(string[][] layers) =>
        from edge in _edges
        from target in edge.Value.Keys
        where Level(layers, edge.Key) <= Level(layers, target)
        select Describe(edge.Key, target);

    /// <summary>All types that a type refers to.</summary>
    public static IEnumerable<Type> TypesIn(Type type) =>
    [
        .. type.GetInterfaces(),
        .. type.BaseType is { } parent ? [parent] : Type.EmptyTypes,
        .. type.GetFields(Declared).Select(field => field.FieldType),
        .. type.GetMethods(Declared).SelectMany(method => TypesIn(method).Append(method.ReturnType)),
        .. type.GetConstructors(Declared).SelectMany(TypesIn),
    ];

    /// <summary>A type and what it is made of: its arguments, its element, the type in which it is nested.</summary>
    public static IEnumerable<Type> Parts(Type type) => type switch
    {
        { HasElementType: true } => Parts(type.GetElementType()!),
        { IsConstructedGenericType: true } => type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition()),
        _ => [type],
    };

    private string? Find(string folder, List<string> path, HashSet<string> done)
    {
        var at = path.IndexOf(folder);
        if (at >= 0) return string.Join("; ", path.Skip(at).Zip(path.Skip(at + 1).Append(folder), Describe));
        if (!done.Add(folder)) return null;
        path.Add(folder);
        foreach (var next in _edges.GetValueOrDefault(folder)?.Keys ?? Enumerable.Empty<string>())
        {
            if (Find(next, path, done) is { } circle) return circle;
        }

        path.RemoveAt(path.Count - 1);
        return null;
    }

    private static int Level(string[][] layers, string folder) => Array.FindIndex(layers, layer => layer.Contains(folder));

    private string Describe(string from, string to)
    {
        var (type, other) = _edges[from][to];
        return $"{from} knows {to} ({type.Name} refers to {other.Name})";
    }

    private static string? FolderOf(Type type, string root) =>
        type.Namespace is { } name && name.StartsWith(root + ".", StringComparison.Ordinal) ? name[(root.Length + 1)..].Split('.')[0] : null;

    private static IEnumerable<Type> TypesIn(MethodBase method)
    {
        foreach (var parameter in method.GetParameters()) yield return parameter.ParameterType;
        if (method.GetMethodBody() is not { } body) yield break;
        foreach (var local in body.LocalVariables) yield return local.LocalType;
        foreach (var token in Tokens(body.GetILAsByteArray()!))
        {
            var member = Resolve(method, token);
            if ((member as Type ?? member?.DeclaringType) is { } type) yield return type;
            if (member is FieldInfo field) yield return field.FieldType;
            if (member is MethodInfo { IsGenericMethod: true } called)
            {
                foreach (var argument in called.GetGenericArguments()) yield return argument;
            }
        }
    }

    private static MemberInfo? Resolve(MethodBase method, int token) => method.Module.ResolveMember(
        token, method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null,
        method.IsGenericMethod ? method.GetGenericArguments() : null);

    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (var i = 0; i < code.Length;)
        {
            var opCode = code[i] == 0xFE ? _opCodes[(short)(0xFE00 | code[i + 1])] : _opCodes[code[i]];
            i += opCode.Size;
            var operand = code.AsSpan(i);
            switch (opCode.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    var token = BinaryPrimitives.ReadInt32LittleEndian(operand);
                    i += 4;
                    yield return token;
                    break;
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    i += 1;
                    break;
                case OperandType.InlineVar:
                    i += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    i += 8;
                    break;
                case OperandType.InlineSwitch:
                    i += 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(operand));
                    break;
                default:
                    i += 4;
                    break;
            }
        }
    }
}
