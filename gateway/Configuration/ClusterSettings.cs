using System.Text.RegularExpressions;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>The installation and cluster of a process, and the database in which its members meet.</summary>
public sealed partial record ClusterSettings
{
    /// <summary>
    /// DATABASE_URL, or the content of the file that DATABASE_URL_FILE names, as an Npgsql connection string; null for the
    /// embedded database. Holds a password. With OKMS_INSECURE_DATABASE_CONNECTION it may lack <c>sslmode=verify-full</c> beyond
    /// this machine, and then anyone on the way to Postgres can pose as it.
    /// </summary>
    public required string? ConnectionString { get; init; }

    /// <summary>
    /// OKMS_SERVICE_ID: the installation's permanent name. It is sealed into every row, so changing it makes all rows unreadable.
    /// </summary>
    public required string ServiceId { get; init; }

    /// <summary>OKMS_CLUSTER_ID: the name of the running cluster.</summary>
    public required string ClusterId { get; init; }

    /// <summary>How the cluster's connections are protected.</summary>
    public required TransportSettings Transport { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static ClusterSettings Read(SettingsReader reader)
    {
        var isInsecure = reader.Read(SettingTable.InsecureDatabaseConnection);
        return new()
        {
            ConnectionString = reader.Secret(SettingTable.DatabaseUrl, SettingTable.DatabaseUrlFile) is { } url ? ToConnectionString(url, isInsecure) : null,
            ServiceId = ReadName(reader, SettingTable.ServiceId),
            ClusterId = ReadName(reader, SettingTable.ClusterId),
            Transport = TransportSettings.Read(reader),
        };
    }

    /// <summary>Never the connection string.</summary>
    public override string ToString() => $"{nameof(ClusterSettings)} {{ ServiceId = {ServiceId}, ClusterId = {ClusterId} }}";

    // The message omits the address, since it holds a password.
    private static string ToConnectionString(string url, bool isInsecure) =>
        DatabaseAddress.TryRead(url, (SettingTable.InsecureDatabaseConnection.Name, isInsecure), out var connectionString, out var problem)
            ? connectionString
            : throw new SettingException(SettingTable.DatabaseUrl, problem);

    private static string ReadName(SettingsReader reader, TextSetting setting)
    {
        var text = reader.Text(setting) ?? setting.Default;
        return NamePattern().IsMatch(text)
            ? text
            : throw new SettingException(setting, "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex NamePattern();
}
