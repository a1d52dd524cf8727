using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;
using Net.Pkcs11Interop.LowLevelAPI80.MechanismParams;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// CK_GCM_PARAMS and what it points to, in one pinned block. The module may write the IV, which can be read back.
/// </summary>
internal sealed class GcmParameters
{
    /// <summary>Length of the IV in bytes.</summary>
    public const int IvLength = 12;

    /// <summary>Length of the tag in bytes.</summary>
    public const int TagLength = 16;

    private static readonly int _size = Marshal.SizeOf<CK_GCM_PARAMS>();

    private readonly byte[] _block;

    /// <summary>Makes the parameters.</summary>
    /// <param name="iv">12 bytes; all zeros where the token makes it.</param>
    /// <param name="associatedData">Authenticated, not encrypted; may be empty.</param>
    public GcmParameters(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData)
    {
        _block = GC.AllocateArray<byte>(_size + IvLength + associatedData.Length, pinned: true);
        iv.CopyTo(_block.AsSpan(_size, IvLength));
        associatedData.CopyTo(_block.AsSpan(_size + IvLength));
        var parameters = new CK_GCM_PARAMS
        {
            Iv = Marshal.UnsafeAddrOfPinnedArrayElement(_block, _size),
            IvLen = IvLength,
            IvBits = IvLength * 8,
            AAD = associatedData.IsEmpty ? IntPtr.Zero : Marshal.UnsafeAddrOfPinnedArrayElement(_block, _size + IvLength),
            AADLen = (ulong)associatedData.Length,
            TagBits = TagLength * 8,
        };
        MemoryMarshal.Write(_block, in parameters);
    }

    /// <summary>The IV as it is now.</summary>
    public ReadOnlySpan<byte> Iv => _block.AsSpan(_size, IvLength);

    /// <summary>The mechanism with these parameters; valid for the lifetime of this object.</summary>
    public CK_MECHANISM Mechanism => new()
    {
        Mechanism = (ulong)CKM.CKM_AES_GCM,
        Parameter = Marshal.UnsafeAddrOfPinnedArrayElement(_block, 0),
        ParameterLen = (ulong)_size,
    };
}
