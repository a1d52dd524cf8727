using System.Net;
using OrleansKms.Configuration;

namespace OrleansKms;

/// <summary>
/// How a trusted .NET service reaches the cluster. Set <see cref="DatabaseUrl"/> or <see cref="Silos"/>, and
/// <see cref="MutualTls"/>, except for trials on a single machine.
/// </summary>
public sealed record KmsClientOptions
{
    /// <summary>The service's name in logs, metrics and audit: 1 to <see cref="KmsLimits.PrincipalLength"/> of <c>A-Z a-z 0-9 . _ - : @ /</c>.</summary>
    public required string Principal { get; init; }

    /// <summary>
    /// The cluster's database, <c>postgres://user:password@host:port/database?sslmode=…</c>, from which the silos' addresses are
    /// read; or null. The user needs read access to the membership table and <c>OrleansQuery</c>, and nothing else. Beyond this
    /// machine it needs <c>sslmode=verify-full</c>.
    /// </summary>
    public string? DatabaseUrl { get; init; }

    /// <summary>
    /// Connects to a database beyond this machine without <c>sslmode=verify-full</c>: anyone on the way can then pose as it and
    /// name silos of its own, which only <see cref="MutualTls"/> keeps from being trusted.
    /// </summary>
    public bool InsecureDatabaseConnection { get; init; }

    /// <summary>
    /// Addresses and client ports (<c>OKMS_CLIENT_PORT</c>) of silos that do not move, instead of a database; or null.
    /// </summary>
    public IReadOnlyList<IPEndPoint>? Silos { get; init; }

    /// <summary>The installation's name, <c>OKMS_SERVICE_ID</c>.</summary>
    public string ServiceId { get; init; } = SettingTable.ServiceId.Default;

    /// <summary>The running cluster's name, <c>OKMS_CLUSTER_ID</c>.</summary>
    public string ClusterId { get; init; } = SettingTable.ClusterId.Default;

    /// <summary>The certificate by which the cluster knows this service, and the authority of the silos' certificates.</summary>
    public MutualTlsFiles? MutualTls { get; init; }

    /// <summary>
    /// Connects without certificates: plaintexts and data keys then travel in the clear. Only for trials on a single machine.
    /// </summary>
    public bool InsecureNetwork { get; init; }

    /// <summary>
    /// How long a call may take before it fails with a <see cref="TimeoutException"/>; <see cref="KmsLimits.MinRequestTimeout"/>
    /// to <see cref="KmsLimits.MaxRequestTimeout"/>.
    /// </summary>
    public TimeSpan ResponseTimeout { get; init; } = SettingTable.RequestTimeout.Default;

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">One is wrong or missing; the message begins with its name and holds no password.</exception>
    public void Validate() => ReadDatabase();

    /// <summary>Checks the options.</summary>
    /// <returns>The database's connection string, or null where there is none.</returns>
    internal string? ReadDatabase()
    {
        Require(KmsCaller.IsPrincipal(Principal), nameof(Principal), "must be 1 to 128 characters of A-Z a-z 0-9 . _ - : @ /");
        Require(
            DatabaseUrl is not null || Silos is { Count: > 0 }, nameof(DatabaseUrl), "is missing, and so is Silos: set one of them");
        Require(DatabaseUrl is null || Silos is null, nameof(Silos), "contradicts DatabaseUrl: set only one of them");
        Require(Silos is null || Silos.All(s => s is { Port: > 0 }), nameof(Silos), "must hold addresses with ports");
        Require(!string.IsNullOrWhiteSpace(ServiceId), nameof(ServiceId), "must not be empty");
        Require(!string.IsNullOrWhiteSpace(ClusterId), nameof(ClusterId), "must not be empty");
        Require(MutualTls is not null || InsecureNetwork, nameof(MutualTls), "is missing: silos and clients authenticate each other by certificates");
        Require(MutualTls is null || !InsecureNetwork, nameof(InsecureNetwork), "contradicts MutualTls, which has certificates");
        Require(SettingTable.RequestTimeout.Allows(ResponseTimeout), nameof(ResponseTimeout), $"must be {SettingTable.RequestTimeout.Rule}");
        if (DatabaseUrl is null) return null;
        return DatabaseAddress.TryRead(DatabaseUrl, (nameof(InsecureDatabaseConnection), InsecureDatabaseConnection), out var connectionString, out var problem)
            ? connectionString
            : throw new ArgumentException($"{nameof(DatabaseUrl)} {problem}");
    }

    /// <summary>Never the database's address, which holds a password.</summary>
    public override string ToString() =>
        $"{nameof(KmsClientOptions)} {{ Principal = {Principal}, ServiceId = {ServiceId}, ClusterId = {ClusterId} }}";

    private static void Require(bool holds, string option, string rule)
    {
        if (!holds) throw new ArgumentException($"{option} {rule}.");
    }
}
