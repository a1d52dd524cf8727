namespace OrleansKms.Gateway.Configuration;

/// <summary>The format of a log line.</summary>
public enum LogFormat
{
    /// <summary>One JSON object for each line.</summary>
    Json,
    /// <summary>Text for a person at a terminal; also one line for each event.</summary>
    Text,
}
