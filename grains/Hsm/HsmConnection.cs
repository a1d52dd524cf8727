using System.Text;
using Microsoft.Extensions.Logging;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.LowLevelAPI80;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The connection to the token, and the sign-in. Signing in holds for the whole process. This object tries the PIN once, and
/// never again after a refusal, so that no loop can lock the token.
/// </summary>
internal sealed partial class HsmConnection(HsmOptions options, ILogger<HsmConnection> logger) : IDisposable
{
    private readonly Lock _signIn = new();
    private Pkcs11Module? _module;
    private volatile bool _pinRefused;
    private volatile bool _hasSignedIn;
    private ulong _slot;
    private volatile int _number;

    /// <summary>How often the token was looked for; sessions with an earlier number are replaced.</summary>
    public int Number => _number;

    /// <summary>Which handles of keys are no longer valid, for all sessions.</summary>
    public HsmHandles Handles { get; } = new();

    /// <summary>The module, once loaded.</summary>
    public Pkcs11Module Module => _module ?? throw new HsmException("The PKCS#11 module is not loaded yet.");

    /// <summary>Loads the module and finds the token.</summary>
    /// <exception cref="HsmException">Either fails.</exception>
    public void Connect()
    {
        _module ??= Pkcs11Module.Acquire(options.Address.ModulePath);
        using (Module.Enter())
        {
            _slot = FindSlot();
            _number++;
        }
    }

    /// <summary>Opens a session, and signs in if the process has not. Called inside a module call.</summary>
    /// <exception cref="HsmException">The session cannot be opened, or the PIN is refused.</exception>
    public HsmSession OpenSession()
    {
        ulong handle = 0;
        Require("C_OpenSession", Module.Functions.C_OpenSession(
            _slot, CKF.CKF_SERIAL_SESSION, IntPtr.Zero, IntPtr.Zero, ref handle));
        try
        {
            SignIn(handle);
        }
        catch
        {
            Module.Functions.C_CloseSession(handle);
            throw;
        }

        return new HsmSession(Module, _slot, handle, _number, Handles);
    }

    /// <summary>Stops using the module.</summary>
    public void Dispose() => End(mayFinalise: true);

    /// <summary>The same.</summary>
    /// <param name="mayFinalise">Whether the module may be finalised: false while a thread may still be in it.</param>
    public void End(bool mayFinalise)
    {
        _module?.Release(mayFinalise);
        _module = null;
    }

    private ulong FindSlot()
    {
        ulong count = 0;
        Require("C_GetSlotList", Module.Functions.C_GetSlotList(true, null, ref count));
        var slots = new ulong[count];
        Require("C_GetSlotList", Module.Functions.C_GetSlotList(true, slots, ref count));
        List<ulong> matching = [];
        CKR? failure = null;
        foreach (var slot in slots.AsSpan(0, (int)count))
        {
            var token = new CK_TOKEN_INFO();
            var code = Module.Functions.C_GetTokenInfo(slot, ref token);
            if (code != CKR.CKR_OK)
            {
                failure ??= code;
            }
            else if (Matches(slot, token))
            {
                matching.Add(slot);
            }
        }

        return matching.Count switch
        {
            0 => throw new HsmLostException(failure is { } code
                ? $"The token {options.Address} was not found, or cannot be read: C_GetTokenInfo returned "
                    + $"{Pkcs11Exception.Name(code)}."
                : $"The token {options.Address} was not found."),
            1 => matching[0],
            _ => throw new HsmException($"Several tokens match {options.Address}; name one by its serial."),
        };
    }

    private bool Matches(ulong slot, in CK_TOKEN_INFO token) =>
        (token.Flags & CKF.CKF_TOKEN_INITIALIZED) != 0
        && (options.Address.SlotId is not { } number || number == slot)
        && IsText(options.Address.Token, token.Label) && IsText(options.Address.Serial, token.SerialNumber)
        && IsText(options.Address.Manufacturer, token.ManufacturerId) && IsText(options.Address.Model, token.Model);

    private static bool IsText(string? wanted, byte[] padded) =>
        wanted is null || Encoding.UTF8.GetBytes(wanted).AsSpan().SequenceEqual(padded.AsSpan().TrimEnd((byte)' '));

    private void SignIn(ulong session)
    {
        lock (_signIn)
        {
            var info = new CK_SESSION_INFO();
            Require("C_GetSessionInfo", Module.Functions.C_GetSessionInfo(session, ref info));
            if ((CKS)info.State is CKS.CKS_RO_USER_FUNCTIONS or CKS.CKS_RW_USER_FUNCTIONS)
            {
                return;
            }

            if (_pinRefused)
            {
                throw new HsmPinException($"The token {options.Address} refused the PIN before, so it is not tried again. "
                    + "Correct it and restart.");
            }

            RequireTriesLeft();
            TryPin(session);
        }
    }

    // The last try is not spent: after another wrong PIN only the security officer can unlock the token.
    private void RequireTriesLeft()
    {
        var token = new CK_TOKEN_INFO();
        Require("C_GetTokenInfo", Module.Functions.C_GetTokenInfo(_slot, ref token));
        if ((token.Flags & CKF.CKF_USER_PIN_LOCKED) != 0)
        {
            throw new HsmPinException($"The PIN of the token {options.Address} is locked.");
        }

        if ((token.Flags & CKF.CKF_USER_PIN_FINAL_TRY) != 0)
        {
            throw new HsmPinException(
                $"The token {options.Address} has one PIN try left before it locks, and it is not spent here. Sign in with the "
                    + "HSM's own tool, which resets the count, and start again.");
        }

        if ((token.Flags & CKF.CKF_USER_PIN_COUNT_LOW) != 0)
        {
            WarnOfFailedTries(options.Address);
        }
    }

    private void TryPin(ulong session)
    {
        byte[] pin;
        try
        {
            pin = options.Pin.Read();
        }
        catch (IOException e)
        {
            throw new HsmException(e.Message, e);
        }

        CKR code;
        try
        {
            code = Module.Functions.C_Login(session, CKU.CKU_USER, pin, (ulong)pin.Length);
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(pin);
        }

        switch (code)
        {
            case CKR.CKR_OK or CKR.CKR_USER_ALREADY_LOGGED_IN:
                _hasSignedIn = true;
                return;
            case var _ when SaysRefused(code):
                _pinRefused = true;
                throw new HsmPinException(
                    $"The token {options.Address} refused the PIN ({Pkcs11Exception.Name(code)}). It was tried once and will "
                        + "not be tried again.");
            case var _ when MayMeanRefused(code) && !_hasSignedIn && AnswersStill():
                _pinRefused = true;
                throw new HsmPinException(
                    $"The token {options.Address} may have refused the PIN: C_Login returned {Pkcs11Exception.Name(code)}. It "
                        + "was tried once and will not be tried again.");
            default:
                throw new Pkcs11Exception("C_Login", code);
        }
    }

    // A token that cannot even describe itself has hardly checked a PIN.
    private bool AnswersStill()
    {
        var token = new CK_TOKEN_INFO();
        return Module.Functions.C_GetTokenInfo(_slot, ref token) == CKR.CKR_OK;
    }

    private static bool SaysRefused(CKR code) => code is CKR.CKR_PIN_INCORRECT or CKR.CKR_PIN_INVALID or CKR.CKR_PIN_LEN_RANGE
        or CKR.CKR_PIN_EXPIRED or CKR.CKR_PIN_LOCKED or CKR.CKR_USER_PIN_NOT_INITIALIZED;

    /// <summary>
    /// Whether an error of C_Login may mean that the PIN is wrong. Tokens answer a wrong PIN with all sorts of errors, and a PIN
    /// that never worked must not be retried every two seconds until it locks: only a token that is lost, or lacks something
    /// else, may not have checked it. A PIN that worked before is more likely still right, and the HSM away.
    /// </summary>
    internal static bool MayMeanRefused(CKR code) => code is not (
        CKR.CKR_DEVICE_REMOVED or CKR.CKR_DEVICE_ERROR or CKR.CKR_TOKEN_NOT_PRESENT or CKR.CKR_TOKEN_NOT_RECOGNIZED
        or CKR.CKR_SLOT_ID_INVALID or CKR.CKR_CRYPTOKI_NOT_INITIALIZED or CKR.CKR_SESSION_CLOSED or CKR.CKR_SESSION_HANDLE_INVALID
        or CKR.CKR_HOST_MEMORY or CKR.CKR_DEVICE_MEMORY or CKR.CKR_FUNCTION_CANCELED or CKR.CKR_USER_ANOTHER_ALREADY_LOGGED_IN
        or CKR.CKR_USER_TOO_MANY_TYPES or CKR.CKR_SESSION_READ_ONLY_EXISTS);

    private static void Require(string function, CKR code)
    {
        if (code != CKR.CKR_OK)
        {
            throw new Pkcs11Exception(function, code);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "The token {Token} has seen a wrong PIN since the last sign-in; it locks the PIN after a few of them")]
    private partial void WarnOfFailedTries(HsmAddress token);
}
