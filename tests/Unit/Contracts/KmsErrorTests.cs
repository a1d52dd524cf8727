using System.Reflection;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Unit.Contracts;

/// <summary>The error table against the published contract, written down a second time.</summary>
public class KmsErrorTests
{
    private static readonly (int Status, string[] Codes)[] _contract =
    [
        (202, ["approval_pending"]),
        (400, ["invalid_request", "invalid_key_id", "invalid_ciphertext", "invalid_parameter", "unsupported_algorithm"]),
        (401, ["unauthenticated"]),
        (403, ["permission_denied"]),
        (404, ["key_not_found", "alias_not_found", "approval_not_found", "policy_not_found", "principal_not_found", "not_found"]),
        (405, ["method_not_allowed"]),
        (408, ["request_timeout"]),
        (409,
        [
            "key_exists", "principal_exists", "key_disabled", "key_pending_deletion", "key_pending_import", "key_destroyed", "version_not_usable",
            "key_exhausted", "conflict",
        ]),
        (413, ["payload_too_large"]),
        (415, ["unsupported_media_type"]),
        (422, ["wrong_key_usage", "not_exportable", "policy_too_large"]),
        (429, ["rate_limited"]),
        (500, ["key_corrupted", "internal"]),
        (503, ["storage_unavailable", "hsm_unavailable", "audit_unavailable", "unavailable", "overloaded"]),
        (504, ["timeout"]),
    ];

    [Fact]
    public void All_IsTheContract() =>
        Assert.Equal(
            _contract.SelectMany(row => row.Codes.Select(code => (code, row.Status))).Order(),
            KmsError.All.Values.Select(e => (e.Code, e.Status)).Order());

    [Fact]
    public void All_HoldsEveryErrorThatIsDeclared()
    {
        var declared = typeof(KmsError).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(f => f.FieldType == typeof(KmsError)).Select(f => (KmsError)f.GetValue(null)!).ToList();
        Assert.Equal(declared.Count, KmsError.All.Count);
        Assert.All(declared, e => Assert.Same(e, KmsError.All[e.Code]));
    }

    [Fact]
    public void All_CodesAndTitles_AreWellFormed() => Assert.All(KmsError.All.Values, e =>
    {
        Assert.Matches(new Regex(@"\A[a-z]+(_[a-z]+)*\z"), e.Code);
        Assert.Matches(new Regex(@"\A[A-Z].*\.\z"), e.Title);
    });

    [Fact]
    public void Exception_CarriesTheCodeAndTheDetail()
    {
        var plain = KmsError.KeyNotFound.Exception();
        Assert.Equal(("key_not_found", KmsError.KeyNotFound.Title), (plain.Code, plain.Message));
        Assert.Same(KmsError.KeyNotFound, plain.Error);
        Assert.Equal("detail", KmsError.KeyNotFound.Exception("detail").Message);
    }

    [Fact]
    public void Error_OfACodeThatIsNotKnownHere_IsInternal() =>
        Assert.Same(KmsError.Internal, new KmsException("from_a_newer_silo", "text").Error);
}
