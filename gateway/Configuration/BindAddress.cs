using System.Net;

namespace OrleansKms.Gateway.Configuration;

/// <summary>Where the HTTP interface listens.</summary>
/// <param name="Address">The one address, or null for loopback in IPv4 and, where there is one, IPv6.</param>
public readonly record struct BindAddress(IPAddress? Address)
{
    /// <summary>Loopback only.</summary>
    public static BindAddress Localhost => default;
}
