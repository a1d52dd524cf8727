using OrleansKms.Gateway.Configuration;
using OrleansKms.Silo.Hosting;

namespace OrleansKms.Tests.Unit.Commands;

/// <summary>What a person at a terminal is told.</summary>
public sealed class FirstStartTests
{
    [Theory]
    [InlineData("http://127.0.0.1:8080, http://[::1]:8080", "/srv/okms-data/admin.token", "/srv", "try: okms keys create first\n")]
    [InlineData("http://127.0.0.1:8081", "/srv/okms-data/admin.token", "/srv", "try: OKMS_URL=http://127.0.0.1:8081 okms keys create first\n")]
    [InlineData("http://[::]:8081", "/srv/okms-data/admin.token", "/srv", "try: OKMS_URL=http://localhost:8081 okms keys create first\n")]
    [InlineData("https://127.0.0.1:8080", "/srv/okms-data/admin.token", "/srv", "try: OKMS_URL=https://127.0.0.1:8080 okms keys create first\n")]
    [InlineData("http://127.0.0.1:8080", "/var/lib/okms/admin.token", "/srv", "try: OKMS_TOKEN_FILE=/var/lib/okms/admin.token okms keys create first\n")]
    public void Text_SaysWhereItListens_WhereTheTokenIs_AndWhatToTry(string addresses, string token, string directory, string command)
    {
        var text = FirstStart.Text(addresses, token, "okms", directory);
        Assert.Contains($"listens at {addresses}\n", text, StringComparison.Ordinal);
        Assert.Contains($"token is in {token}\n", text, StringComparison.Ordinal);
        Assert.Contains(command, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, true, LogFormat.Json)]
    [InlineData(null, false, LogFormat.Text)]
    [InlineData(LogFormat.Json, false, LogFormat.Json)]
    [InlineData(LogFormat.Text, true, LogFormat.Text)]
    public void Log_IsTextForAPerson_UnlessTheSettingSaysOtherwise(LogFormat? set, bool isRedirected, LogFormat format) =>
        Assert.Equal(format, new LogSettings { Level = Microsoft.Extensions.Logging.LogLevel.Information, Requests = true, Format = set }.FormatFor(isRedirected));
}
