namespace OrleansKms.Tests.Cluster.Storage;

[Trait("database", "sqlite")]
public sealed class SqliteConformance(SqliteFixture fixture) : StorageConformance(fixture), IClassFixture<SqliteFixture>;
