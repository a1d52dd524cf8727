namespace OrleansKms.Grains.Access;

/// <summary>The checks of principals that need no stored data.</summary>
internal static class PrincipalRules
{
    /// <summary>Refuses an invalid or reserved name.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void CheckNewName(string name)
    {
        if (!PrincipalName.IsValid(name)) throw Invalid($"The name of a principal must be {PrincipalName.Rule}.");
        if (PrincipalName.IsReserved(name)) throw Invalid("The name is reserved for the service.");
    }

    /// <summary>Refuses a description that is too long.</summary>
    public static void CheckDescription(string? description)
    {
        if (description?.Length > KmsLimits.DescriptionLength) throw Invalid($"'description' can have at most {KmsLimits.DescriptionLength} characters.");
    }

    /// <summary>Refuses too many policies, and duplicates. It does not check that they exist.</summary>
    public static void CheckPolicies(string[] policies)
    {
        if (policies.Length > KmsLimits.PoliciesOfPrincipal) throw Invalid($"'policies' can have at most {KmsLimits.PoliciesOfPrincipal} names.");
        if (policies.Distinct(StringComparer.Ordinal).Count() != policies.Length) throw Invalid("'policies' contains a duplicate.");
    }

    /// <summary>Parses limits.</summary>
    public static LimitRule[] ReadLimits(string[] limits)
    {
        var rules = Array.ConvertAll(limits, LimitText.Parse);
        LimitRules.Check(rules);
        return rules;
    }

    /// <summary>Refuses certificate names that are invalid or duplicate.</summary>
    public static void CheckCertificates(string[] names)
    {
        if (names.Length > KmsLimits.PrincipalIdentities) throw Invalid($"'certificates' can have at most {KmsLimits.PrincipalIdentities} names.");
        if (!Array.TrueForAll(names, name => name is not null && CertificateName.IsValid(name))) throw Invalid($"'certificates' must be {CertificateName.Rule}.");
        if (names.Distinct(StringComparer.Ordinal).Count() != names.Length) throw Invalid("'certificates' contains a duplicate.");
    }

    /// <summary>Refuses identities that no JWT can have.</summary>
    public static void CheckJwt(JwtIdentity[] identities)
    {
        if (identities.Length > KmsLimits.PrincipalIdentities) throw Invalid($"'jwt' can have at most {KmsLimits.PrincipalIdentities} identities.");
        if (!Array.TrueForAll(identities, one => one is not null && IsIdentity(one.Issuer) && IsIdentity(one.Subject)))
        {
            throw Invalid("'jwt' must contain an issuer and a subject, as in the token's claims.");
        }

        if (identities.Distinct().Count() != identities.Length) throw Invalid("'jwt' contains a duplicate.");
    }

    /// <summary>Refuses a lifetime that is not positive or too long.</summary>
    public static void CheckTokenLife(TimeSpan life)
    {
        if (life <= TimeSpan.Zero || life > KmsLimits.MaxTokenLife)
        {
            throw Invalid($"'expires_in' must be positive and at most {Iso8601Duration.Format(KmsLimits.MaxTokenLife)}.");
        }
    }

    // A subject may contain anything but control characters.
    private static bool IsIdentity(string? text) => text is { Length: > 0 and <= KmsLimits.IdentityLength } && !text.Any(char.IsControl);

    private static KmsException Invalid(string detail) => KmsError.InvalidParameter.Exception(detail);
}
