using Net.Pkcs11Interop.Common;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The HSM, or part of it, does not work. Internal to this folder: callers see a <see cref="StartRefusedException"/> or
/// <c>hsm_unavailable</c>. The message is for the operator and holds no secret.
/// </summary>
internal class HsmException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Whether nothing else can work until the token is connected again.</summary>
    public virtual bool IsTokenLost => false;

    /// <summary>Whether the module may have to be reinitialised before it sees the token again.</summary>
    public virtual bool MayNeedInitialisation => false;

    /// <summary>Whether the next attempt needs another session.</summary>
    public virtual bool NeedsNewSession => IsTokenLost;

    /// <summary>What callers are told, who know neither the token nor the log.</summary>
    public virtual string ForCallers => IsTokenLost ? KmsError.HsmUnavailable.Title : "The HSM call failed; the log says why.";
}

/// <summary>The token, or its root key, was not found or does not work.</summary>
internal sealed class HsmLostException(string message, Exception? innerException = null) : HsmException(message, innerException)
{
    /// <inheritdoc/>
    public override bool IsTokenLost => true;

    /// <inheritdoc/>
    public override bool MayNeedInitialisation => true;
}

/// <summary>The PIN was refused. Retrying automatically would lock the token.</summary>
internal sealed class HsmPinException(string message) : HsmException(message)
{
    /// <inheritdoc/>
    public override bool IsTokenLost => true;
}

/// <summary>The HSM is too busy to get to a call in time. It may be healthy.</summary>
internal sealed class HsmBusyException() : HsmException("Too many calls are waiting for the HSM.")
{
    /// <inheritdoc/>
    public override string ForCallers => "Too many calls are waiting for the HSM; try again.";
}

/// <summary>The token failed to destroy a key, and its module no longer shows it. Otherwise the token is healthy.</summary>
internal sealed class HsmUndestroyedException(string id)
    : HsmException($"The token failed to destroy the key {id} and no longer shows it. It is asked again once its module has "
        + "listed the objects afresh.")
{
    /// <inheritdoc/>
    public override string ForCallers => "The HSM failed to destroy a key; it will be asked again.";
}

/// <summary>The token refused a message larger than any that worked in its tests. The token is healthy.</summary>
internal sealed class HsmSizeException(int largest, Exception innerException)
    : HsmException(string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"The HSM takes messages of up to {largest} bytes."), innerException);

/// <summary>The token answered, and the answer is wrong: it is withheld. The token is there, and broken.</summary>
internal sealed class HsmWrongAnswerException(string what) : HsmException($"The HSM gave a wrong answer, which is withheld: {what}.")
{
    /// <inheritdoc/>
    public override string ForCallers => "The HSM gave a wrong answer, which is withheld; the log says more.";
}

/// <summary>A function of the module returned an error.</summary>
internal sealed class Pkcs11Exception(string function, CKR code)
    : HsmException($"{function} returned {Name(code)}{(IsFull(code) ? ": the token is full" : "")}")
{
    /// <summary>The function's name, and the mechanism where it takes one.</summary>
    public string Function => function;

    /// <summary>The error code.</summary>
    public CKR Code { get; } = code;

    /// <summary>
    /// Whether the session or its handles are no longer valid while the token may be fine, so that a new session may retry. None
    /// of these means that the function was executed.
    /// </summary>
    public bool IsSessionLost => Code is CKR.CKR_SESSION_CLOSED or CKR.CKR_SESSION_HANDLE_INVALID or CKR.CKR_OPERATION_ACTIVE
        or CKR.CKR_OPERATION_NOT_INITIALIZED or CKR.CKR_USER_NOT_LOGGED_IN or CKR.CKR_KEY_HANDLE_INVALID
        or CKR.CKR_OBJECT_HANDLE_INVALID;

    /// <inheritdoc/>
    public override bool IsTokenLost => IsSessionLost || Code is CKR.CKR_DEVICE_REMOVED or CKR.CKR_DEVICE_ERROR
        or CKR.CKR_TOKEN_NOT_PRESENT or CKR.CKR_TOKEN_NOT_RECOGNIZED or CKR.CKR_SLOT_ID_INVALID
        or CKR.CKR_CRYPTOKI_NOT_INITIALIZED;

    /// <summary>Whether the code says only that something failed: the call or the token.</summary>
    public bool IsAmbiguous => Code is CKR.CKR_GENERAL_ERROR or CKR.CKR_FUNCTION_FAILED or CKR.CKR_HOST_MEMORY
        or CKR.CKR_DEVICE_MEMORY or >= CKR.CKR_VENDOR_DEFINED;

    /// <inheritdoc/>
    public override bool MayNeedInitialisation => IsTokenLost || Code is CKR.CKR_GENERAL_ERROR or CKR.CKR_FUNCTION_FAILED;

    /// <inheritdoc/>
    public override bool NeedsNewSession => IsTokenLost || function == "C_DestroyObject";

    /// <inheritdoc/>
    public override string ForCallers => IsTokenLost || function.StartsWith("C_Decrypt ", StringComparison.Ordinal)
        ? base.ForCallers
        : $"The HSM refused the call: {Message}.";

    private static bool IsFull(CKR code) => code == CKR.CKR_DEVICE_MEMORY;

    /// <summary>An error's name; a number for a vendor's own.</summary>
    public static string Name(CKR code) =>
        Enum.IsDefined(code) ? code.ToString() : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"0x{(uint)code:x8}");
}
