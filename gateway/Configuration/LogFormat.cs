namespace OrleansKms.Gateway.Configuration;

/// <summary>How a log line looks.</summary>
public enum LogFormat
{
    /// <summary>One JSON object a line.</summary>
    Json,
    /// <summary>Text for a person at a terminal; also one line an event.</summary>
    Text,
}
