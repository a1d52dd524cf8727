using System.Text.Json;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// An event that writes itself as JSON. For what happens so often that a list of boxed values and a text of the message would cost
/// more than the line. What it writes is what it would be as a list of values.
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
