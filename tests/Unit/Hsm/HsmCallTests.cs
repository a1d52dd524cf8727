using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Tests.Unit.Hsms;

/// <summary>Who gets the answer of a call that is given up, and after which errors the PIN is not tried again.</summary>
public sealed class HsmCallTests
{
    [Fact]
    public void TryAbandon_BeforeItBegan_ItNeverBegins()
    {
        var call = NewCall();
        Assert.True(call.TryAbandon(out var wasRunning));
        Assert.False(wasRunning);
        Assert.False(call.TryBegin(1));
    }

    [Fact]
    public void TryAbandon_WhileItRuns_TheAnswerIsNobodys()
    {
        var call = NewCall();
        Assert.True(call.TryBegin(1));
        Assert.True(call.TryAbandon(out var wasRunning));
        Assert.True(wasRunning);
        Assert.False(call.TryEnd());
    }

    [Fact]
    public async Task TryAbandon_AfterItsEnd_TheAnswerIsTheCallers()
    {
        var call = NewCall();
        Assert.True(call.TryBegin(1));
        call.Execute(null);
        Assert.True(call.TryEnd());
        Assert.False(call.TryAbandon(out _));
        call.Complete();
        Assert.Equal(42, await call.Answer);
    }

    [Theory]
    [InlineData(CKR.CKR_PIN_INCORRECT, true)]
    [InlineData(CKR.CKR_PIN_LOCKED, true)]
    [InlineData(CKR.CKR_GENERAL_ERROR, true)]
    [InlineData(CKR.CKR_FUNCTION_FAILED, true)]
    [InlineData(CKR.CKR_VENDOR_DEFINED + 5, true)]
    [InlineData(CKR.CKR_DEVICE_REMOVED, false)]
    [InlineData(CKR.CKR_TOKEN_NOT_PRESENT, false)]
    [InlineData(CKR.CKR_SESSION_HANDLE_INVALID, false)]
    [InlineData(CKR.CKR_HOST_MEMORY, false)]
    [InlineData(CKR.CKR_USER_ANOTHER_ALREADY_LOGGED_IN, false)]
    public void SignIn_WhatMayMeanAWrongPin_IsNotTriedAgain(CKR code, bool isRefused) =>
        Assert.Equal(isRefused, HsmConnection.MayMeanRefused(code));

    private static HsmCall<int> NewCall() => new(_ => 42) { NeedsSession = false };
}
