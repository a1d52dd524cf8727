using System.Text.Json;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// An event that writes itself as JSON, for events so frequent that a list of boxed values and a formatted message would cost
/// more than the line. It writes what the list of values would produce.
/// </summary>
internal interface IJsonEvent
{
    /// <summary>Writes the message.</summary>
    /// <param name="json">In the line's object.</param>
    /// <param name="name">The message's name.</param>
    void WriteMessage(Utf8JsonWriter json, JsonEncodedText name);

    /// <summary>Writes the values under their names in snake_case.</summary>
    /// <param name="json">In the line's object.</param>
    void WriteProperties(Utf8JsonWriter json);
}
