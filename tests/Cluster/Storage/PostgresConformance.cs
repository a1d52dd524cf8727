namespace OrleansKms.Tests.Cluster.Storage;

[Trait("database", "postgres")]
public sealed class PostgresConformance(PostgresFixture fixture) : StorageConformance(fixture), IClassFixture<PostgresFixture>;
