using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Providers;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Keys for what keys of their spec are by default, for tests that do not care.</summary>
internal static class DefaultUsage
{
    public static ValueTask<GeneratedVersion> Generate(this HsmKeyProvider keys, KeyAlgorithm algorithm, KeyVersionName name) =>
        keys.Generate(algorithm, algorithm.Usages[0], name);
}
