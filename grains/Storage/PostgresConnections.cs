using System.Data.Common;
using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>Opens Postgres connections, and tells a failed connection from a failed statement.</summary>
internal sealed class PostgresConnections(NpgsqlDataSource npgsql) : DbDataSource
{
    /// <inheritdoc/>
    public override string ConnectionString => npgsql.ConnectionString;

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => npgsql.CreateConnection();

    /// <inheritdoc/>
    protected override DbConnection OpenDbConnection()
    {
        try
        {
            return npgsql.OpenConnection();
        }
        catch (Exception e)
        {
            throw new DatabaseUnreachableException(e);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await npgsql.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DatabaseUnreachableException(e);
        }
    }
}
