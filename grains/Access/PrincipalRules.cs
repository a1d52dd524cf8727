namespace OrleansKms.Grains.Access;

/// <summary>What can be said of a principal before anything is looked up.</summary>
internal static class PrincipalRules
{
    /// <summary>Refuses a name that nobody can have.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void CheckNewName(string name)
    {
        if (!PrincipalName.IsValid(name)) throw Invalid($"The name of a principal must be {PrincipalName.Rule}.");
        if (PrincipalName.IsReserved(name)) throw Invalid("The name is one that the service itself uses.");
    }

    /// <summary>Refuses a description that is too long.</summary>
    public static void CheckDescription(string? description)
    {
        if (description?.Length > KmsLimits.DescriptionLength) throw Invalid($"'description' can have {KmsLimits.DescriptionLength} characters.");
    }

    /// <summary>Refuses too many policies, and one that is named twice. Whether they exist is not looked at.</summary>
    public static void CheckPolicies(string[] policies)
    {
        if (policies.Length > KmsLimits.PoliciesOfPrincipal) throw Invalid($"'policies' can name {KmsLimits.PoliciesOfPrincipal}.");
        if (policies.Distinct(StringComparer.Ordinal).Count() != policies.Length) throw Invalid("'policies' names one twice.");
    }

    /// <summary>Reads limits.</summary>
    public static LimitRule[] ReadLimits(string[] limits)
    {
        var rules = Array.ConvertAll(limits, LimitText.Parse);
        LimitRules.Check(rules);
        return rules;
    }

    /// <summary>Refuses certificates that cannot be told apart by what they name.</summary>
    public static void CheckCertificates(string[] names)
    {
        if (names.Length > KmsLimits.PrincipalIdentities) throw Invalid($"'certificates' can have {KmsLimits.PrincipalIdentities}.");
        if (!Array.TrueForAll(names, IsIdentity)) throw Invalid("'certificates' are URIs or DNS names, as they stand in the subject alternative names.");
        if (names.Distinct(StringComparer.Ordinal).Count() != names.Length) throw Invalid("'certificates' names one twice.");
    }

    /// <summary>Refuses identities that no JWT has.</summary>
    public static void CheckJwt(JwtIdentity[] identities)
    {
        if (identities.Length > KmsLimits.PrincipalIdentities) throw Invalid($"'jwt' can have {KmsLimits.PrincipalIdentities}.");
        if (!Array.TrueForAll(identities, one => one is not null && IsIdentity(one.Issuer) && IsIdentity(one.Subject)))
        {
            throw Invalid("'jwt' has the issuer and the subject of tokens, as they stand in the claims.");
        }

        if (identities.Distinct().Count() != identities.Length) throw Invalid("'jwt' names one twice.");
    }

    /// <summary>Refuses a life that is none or too long.</summary>
    public static void CheckTokenLife(TimeSpan life)
    {
        if (life <= TimeSpan.Zero || life > KmsLimits.MaxTokenLife)
        {
            throw Invalid($"'expires_in' must be more than nothing and at most {Iso8601Duration.Format(KmsLimits.MaxTokenLife)}.");
        }
    }

    // Printable ASCII for URIs and DNS names; a subject may have any letters, and no control characters.
    private static bool IsIdentity(string? text) => text is { Length: > 0 and <= KmsLimits.IdentityLength } && !text.Any(char.IsControl);

    private static KmsException Invalid(string detail) => KmsError.InvalidParameter.Exception(detail);
}
