namespace OrleansKms.Grains.Keys;

// The methods of IKeyGrain by another name, for messages with fields that older silos lack; since feature level 6.
public sealed partial class KeyGrain : IKeyEncryptionGrain;
