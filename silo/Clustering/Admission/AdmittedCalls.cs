namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>What the holders of one role may call, in the bytes that messages name it by.</summary>
/// <param name="Targets">The kinds of grains.</param>
internal sealed record AdmittedCalls(AdmittedTarget[] Targets)
{
    /// <summary>Nothing.</summary>
    public static AdmittedCalls None { get; } = new([]);
}

/// <summary>A kind of grain that may be called.</summary>
/// <param name="Id">Its type, as <see cref="WireFormat.Id"/> encodes it.</param>
/// <param name="IsSystemTarget">Whether it is a part of Orleans, one in each silo, and not a grain.</param>
/// <param name="Interfaces">The interfaces that it may be called by.</param>
/// <param name="HasNumbers">Whether its grain keys are whole numbers, and not names.</param>
internal sealed record AdmittedTarget(byte[] Id, bool IsSystemTarget, AdmittedInterface[] Interfaces, bool HasNumbers = false);

/// <summary>An interface that a grain may be called by.</summary>
/// <param name="Id">Its type, as <see cref="WireFormat.Id"/> encodes it.</param>
/// <param name="Version">Its version in this program. A higher one would make Orleans end activations of this program.</param>
/// <param name="Methods">The methods that may be called.</param>
/// <param name="TakesPlace">Whether a call takes one of the places in <see cref="CallLimit"/>.</param>
internal sealed record AdmittedInterface(byte[] Id, uint Version, AdmittedMethod[] Methods, bool TakesPlace = false);

/// <summary>A method that may be called.</summary>
/// <param name="Call">How the body of a call begins, as <see cref="WireFormat.Call"/> encodes it.</param>
/// <param name="Flags">
/// What a call may claim for itself: interleaving where the method does not allow it would break the grain's turns.
/// </param>
/// <param name="Body">The arguments that it may have.</param>
internal sealed record AdmittedMethod(byte[] Call, uint Flags, CallBody Body);
