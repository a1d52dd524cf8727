using System.Diagnostics;
using System.Globalization;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>A test that needs network namespaces. Where the machine allows none it is skipped, and the run says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkNamespaceFactAttribute : FactAttribute
{
    /// <summary>Finds out whether they are allowed.</summary>
    public NetworkNamespaceFactAttribute()
    {
        if (!NetworkNamespaces.AreAllowed)
        {
            Skip = "This machine allows no network namespaces (root and iproute2 are needed): a partition was NOT tested.";
        }
    }
}

/// <summary>
/// Machines of a private network, as network namespaces: one in the middle, with the database, and some around it that reach it
/// and each other. Any two of them can be cut off from each other.
/// </summary>
internal sealed class NetworkNamespaces : IDisposable
{
    private static readonly Lazy<bool> _areAllowed = new(Probe);

    private readonly string _prefix = "okms" + Guid.NewGuid().ToString("N")[..6];
    private readonly int _count;

    /// <summary>Makes them.</summary>
    public NetworkNamespaces(int count)
    {
        _count = count;
        Ip("netns", "add", Middle);
        Ip("-n", Middle, "link", "set", "lo", "up");
        Ip("-n", Middle, "link", "add", "bridge", "type", "bridge");
        Ip("-n", Middle, "addr", "add", MiddleAddress + "/24", "dev", "bridge");
        Ip("-n", Middle, "link", "set", "bridge", "up");
        for (var i = 0; i < count; i++)
        {
            var port = string.Create(CultureInfo.InvariantCulture, $"port{i}");
            Ip("netns", "add", Name(i));
            Ip("-n", Name(i), "link", "set", "lo", "up");
            Ip("link", "add", port, "netns", Middle, "type", "veth", "peer", "name", "eth0", "netns", Name(i));
            Ip("-n", Middle, "link", "set", port, "master", "bridge", "up");
            Ip("-n", Name(i), "addr", "add", Address(i) + "/24", "dev", "eth0");
            Ip("-n", Name(i), "link", "set", "eth0", "up");
        }
    }

    /// <summary>Whether this machine allows them.</summary>
    public static bool AreAllowed => _areAllowed.Value;

    /// <summary>The namespace in the middle.</summary>
    public string Middle => _prefix + "m";

    /// <summary>Its address.</summary>
    public static string MiddleAddress => "10.89.77.254";

    /// <summary>The namespace of a machine.</summary>
    public string Name(int machine) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{machine}");

    /// <summary>A machine's address.</summary>
    public static string Address(int machine) => string.Create(CultureInfo.InvariantCulture, $"10.89.77.{machine + 1}");

    /// <summary>Cuts a machine off from another: what it sends to the other is lost, answers too.</summary>
    public void Cut(int machine, int other) => Ip("-n", Name(machine), "route", "add", "blackhole", Address(other) + "/32");

    /// <summary>Joins them again.</summary>
    public void Join(int machine, int other) => Ip("-n", Name(machine), "route", "del", "blackhole", Address(other) + "/32");

    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
        {
            Ip("netns", "del", Name(i));
        }

        Ip("netns", "del", Middle);
    }

    private static bool Probe()
    {
        if (Environment.UserName != "root")
        {
            return false;
        }

        try
        {
            using var one = new NetworkNamespaces(1);
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static void Ip(params string[] arguments)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        var errors = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        if (ip.ExitCode != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {errors}");
        }
    }
}
