using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansKms.Transport;

namespace OrleansKms.Tests.Unit.Transport;

public sealed class BoundClientIdTests
{
    [Fact]
    public void Id_BelongsToItsCertificatesNameAlone_WhateverTheKey()
    {
        using var first = Sign("CN=one");
        using var renewed = Sign("CN=one");
        using var other = Sign("CN=one2");
        var id = BoundClientId.New(BoundClientId.DigestOf(first));

        Assert.True(BoundClientId.IsOf(id, BoundClientId.DigestOf(renewed)));
        Assert.False(BoundClientId.IsOf(id, BoundClientId.DigestOf(other)));
        Assert.NotEqual(id, BoundClientId.New(BoundClientId.DigestOf(first)));
        Assert.All(id, character => Assert.True(char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_'));
    }

    [Fact]
    public void CertificateWithoutASubject_HasTheNameOfItsAlternativeNames()
    {
        using var one = Sign("", "spiffe://kms/one");
        using var same = Sign("", "spiffe://kms/one");
        using var other = Sign("", "spiffe://kms/other");

        Assert.Equal(BoundClientId.DigestOf(one), BoundClientId.DigestOf(same));
        Assert.NotEqual(BoundClientId.DigestOf(one), BoundClientId.DigestOf(other));
    }

    [Theory]
    [InlineData("cb46f910474a418ab2c312023cb2bcd1")]
    [InlineData("")]
    [InlineData("a.b")]
    public void IdOfAnEarlierVersion_NamesNoCertificate(string id) => Assert.False(BoundClientId.IsBound(id));

    private static X509Certificate2 Sign(string subject, string? uri = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (uri is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri(uri));
            request.CertificateExtensions.Add(names.Build());
        }
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
