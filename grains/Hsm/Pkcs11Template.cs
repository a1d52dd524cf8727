using System.Runtime.InteropServices;
using System.Text;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>A list of attributes, as PKCS#11 takes it. Its memory is pinned and valid for the lifetime of this object.</summary>
internal sealed class Pkcs11Template
{
    private readonly List<(CKA Type, byte[] Value)> _attributes = [];

    /// <summary>An attribute's value; null when it is not in the list.</summary>
    public byte[]? Find(CKA type) => _attributes.Find(a => a.Type == type).Value;

    /// <summary>Adds bytes.</summary>
    public Pkcs11Template Add(CKA type, ReadOnlySpan<byte> value)
    {
        var pinned = GC.AllocateArray<byte>(value.Length, pinned: true);
        value.CopyTo(pinned);
        _attributes.Add((type, pinned));
        return this;
    }

    /// <summary>Adds a text, in UTF-8.</summary>
    public Pkcs11Template Add(CKA type, string value) => Add(type, Encoding.UTF8.GetBytes(value));

    /// <summary>Adds a CK_BBOOL.</summary>
    public Pkcs11Template Add(CKA type, bool value) => Add(type, [value ? (byte)1 : (byte)0]);

    /// <summary>Adds a CK_ULONG.</summary>
    public Pkcs11Template Add(CKA type, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        MemoryMarshal.Write(bytes, in value);
        return Add(type, bytes);
    }

    /// <summary>The same without one attribute.</summary>
    public Pkcs11Template Without(CKA type)
    {
        var rest = new Pkcs11Template();
        rest._attributes.AddRange(_attributes.Where(a => a.Type != type));
        return rest;
    }

    /// <summary>The same with one attribute set.</summary>
    public Pkcs11Template With(CKA type, bool value) => Without(type).Add(type, value);

    /// <summary>The structures, which point into this object.</summary>
    public CK_ATTRIBUTE[] ToArray() => [.. _attributes.Select(a => new CK_ATTRIBUTE
    {
        type = (ulong)a.Type,
        value = a.Value.Length == 0 ? IntPtr.Zero : Marshal.UnsafeAddrOfPinnedArrayElement(a.Value, 0),
        valueLen = (ulong)a.Value.Length,
    })];
}
