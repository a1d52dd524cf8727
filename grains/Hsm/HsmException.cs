using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Something about the HSM does not work. Internal to this part: callers see a <see cref="StartRefusedException"/> or
/// <c>hsm_unavailable</c>. The message is for the operator and holds no secret.
/// </summary>
internal class HsmException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Whether nothing else can be expected to work before the token has been connected anew.</summary>
    public virtual bool IsTokenLost => false;

    /// <summary>Whether the module may have to be initialised anew before it sees the token again.</summary>
    public virtual bool MayNeedInitialisation => false;

    /// <summary>Whether what is tried next needs another session.</summary>
    public virtual bool NeedsNewSession => IsTokenLost;

    /// <summary>What callers are told, who know neither the token nor the log.</summary>
    public virtual string ForCallers => IsTokenLost ? KmsError.HsmUnavailable.Title : "The HSM did not do what it was asked for; the log says why.";
}

/// <summary>The token, or the root key on it, is not where it is looked for, or does not work.</summary>
internal sealed class HsmLostException(string message, Exception? innerException = null) : HsmException(message, innerException)
{
    /// <inheritdoc/>
    public override bool IsTokenLost => true;

    /// <inheritdoc/>
    public override bool MayNeedInitialisation => true;
}

/// <summary>The PIN is not, or no longer, accepted. Trying again by itself would lock the token.</summary>
internal sealed class HsmPinException(string message) : HsmException(message)
{
    /// <inheritdoc/>
    public override bool IsTokenLost => true;
}

/// <summary>The HSM has so much to do that it does not come to a call in time. It may be well.</summary>
internal sealed class HsmBusyException() : HsmException("Too many calls wait for the HSM.")
{
    /// <inheritdoc/>
    public override string ForCallers => "Too many calls wait for the HSM; try again.";
}

/// <summary>The token has failed to destroy a key, and its module does not show it any more. It is well otherwise.</summary>
internal sealed class HsmUndestroyedException(string id)
    : HsmException($"The token does not show the key {id} any more, but failed to destroy it. It is asked again when its module has listed it anew.")
{
    /// <inheritdoc/>
    public override string ForCallers => "The HSM has failed to destroy a key, and will be asked again.";
}

/// <summary>The token does not take a message that is larger than what it took when it was tried. It is well.</summary>
internal sealed class HsmSizeException(int largest, Exception innerException)
    : HsmException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"The HSM takes messages to {largest} bytes."), innerException);

/// <summary>A function of the module answered with an error.</summary>
internal sealed class Pkcs11Exception(string function, CKR code)
    : HsmException($"{function} answered {Name(code)}{(IsFull(code) ? ": the token is full" : "")}")
{
    /// <summary>The error.</summary>
    public CKR Code { get; } = code;

    /// <summary>
    /// Whether the session or its handles are no longer good, while the token may be: a new session may try the same again.
    /// None of these means that the function was executed.
    /// </summary>
    public bool IsSessionLost => Code is CKR.CKR_SESSION_CLOSED or CKR.CKR_SESSION_HANDLE_INVALID or CKR.CKR_OPERATION_ACTIVE
        or CKR.CKR_OPERATION_NOT_INITIALIZED or CKR.CKR_USER_NOT_LOGGED_IN or CKR.CKR_KEY_HANDLE_INVALID
        or CKR.CKR_OBJECT_HANDLE_INVALID;

    /// <inheritdoc/>
    public override bool IsTokenLost => IsSessionLost || Code is CKR.CKR_DEVICE_REMOVED or CKR.CKR_DEVICE_ERROR
        or CKR.CKR_TOKEN_NOT_PRESENT or CKR.CKR_TOKEN_NOT_RECOGNIZED or CKR.CKR_SLOT_ID_INVALID
        or CKR.CKR_CRYPTOKI_NOT_INITIALIZED;

    /// <summary>Whether the code says no more than that something failed: the call or the token.</summary>
    public bool IsAmbiguous => Code is CKR.CKR_GENERAL_ERROR or CKR.CKR_FUNCTION_FAILED or CKR.CKR_HOST_MEMORY
        or CKR.CKR_DEVICE_MEMORY or >= CKR.CKR_VENDOR_DEFINED;

    /// <inheritdoc/>
    public override bool MayNeedInitialisation => IsTokenLost || Code is CKR.CKR_GENERAL_ERROR or CKR.CKR_FUNCTION_FAILED;

    /// <inheritdoc/>
    public override bool NeedsNewSession => IsTokenLost || function == "C_DestroyObject";

    /// <inheritdoc/>
    public override string ForCallers => IsTokenLost || function.StartsWith("C_Decrypt ", StringComparison.Ordinal)
        ? base.ForCallers
        : $"The HSM refuses the call: {Message}.";

    private static bool IsFull(CKR code) => code == CKR.CKR_DEVICE_MEMORY;

    /// <summary>An error's name, or its number when it is a vendor's.</summary>
    public static string Name(CKR code) =>
        Enum.IsDefined(code) ? code.ToString() : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"0x{(uint)code:x8}");
}
