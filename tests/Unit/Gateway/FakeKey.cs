namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>A key as a grain describes it.</summary>
internal static class FakeKey
{
    /// <summary>Describes an enabled key for encryption.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="versions">How many versions it has.</param>
    internal static KeyDescription Of(string id, int versions = 1) => new()
    {
        Id = id,
        Spec = "AES_256_GCM",
        Usage = KeyUsage.EncryptDecrypt,
        State = KeyState.Enabled,
        Protection = KeyProtection.Software,
        Origin = KeyOrigin.Generated,
        Exportable = false,
        Tags = new Dictionary<string, string>(),
        CreatedAt = DateTimeOffset.UnixEpoch,
        PrimaryVersion = versions,
        MinDecryptVersion = 1,
        Versions = [.. Enumerable.Range(1, versions).Select(n => new KeyVersionDescription(n, KeyVersionState.Enabled, DateTimeOffset.UnixEpoch, 0))],
        Uses = new(),
    };
}
