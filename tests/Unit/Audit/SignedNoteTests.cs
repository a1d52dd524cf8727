using System.Text;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>Notes, keys, checkpoints and proofs as C2SP writes them.</summary>
public class SignedNoteTests
{
    private const string Example =
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    private static readonly NoteVerifier _example = NoteVerifier.Parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");

    [Fact]
    public void ExampleOfTheSpecification_Verifies_AndIsWrittenAsItWasRead()
    {
        var note = Parse(Example)!;
        Assert.NotNull(_example.Verify(note));
        Assert.Equal("This is an example message.\n", note.Text);
        Assert.Equal(Example, note.ToString());
        Assert.Equal("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", _example.ToString());
        Assert.Null(_example.Verify(note with { Text = "This is an exemplary message.\n" }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text\n")]
    [InlineData("text\n\n")]
    [InlineData("text\n\nno signature\n")]
    [InlineData("text\n\n— name\n")]
    [InlineData("text\n\n— na+me AAAAAAAA\n")]
    [InlineData("text\n\n— name AAAA\n")]
    [InlineData("text\n\n— name AAAAAA=\n")]
    [InlineData("text\n\n— name AAAAAAAA")]
    [InlineData("text\n\n—  AAAAAAAA\n")]
    [InlineData("te\txt\n\n— name AAAAAAAA\n")]
    [InlineData("text\n\n— name AAAAAAAA\r\n")]
    public void Parse_OfWhatIsNoNote_IsNull(string text) => Assert.Null(Parse(text));

    [Fact]
    public void Parse_TakesSixteenSignatures_AndNotMore()
    {
        static string Signed(int count) => "text\n\n" + string.Concat(Enumerable.Range(0, count).Select(i => $"— n{i} AAAAAAAA\n"));
        Assert.Equal(16, Parse(Signed(16))!.Signatures.Count);
        Assert.Null(Parse(Signed(17)));
        Assert.Null(SignedNote.Parse([.. "text "u8, 0xff, .. "\n\n— name AAAAAAAA\n"u8]));
    }

    [Theory]
    [InlineData("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    [InlineData("example.com/fou+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    [InlineData("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    [InlineData("example.com/foo+530d903a")]
    [InlineData("")]
    public void KeyThatIsNone_IsRefused(string vkey) => Assert.Throws<FormatException>(() => NoteVerifier.Parse(vkey));

    [Fact]
    public void Checkpoint_OfAnotherKeyOrOrigin_DoesNotOpen()
    {
        using var signer = Signer("log.example/one", 1);
        using var other = Signer("log.example/one", 2);
        var checkpoint = new Checkpoint("log.example/one", 7, TreeHash.OfLeaf("x"u8));
        var note = signer.Sign(checkpoint.ToText());
        Assert.Equal(checkpoint, Checkpoint.Open(Parse(note.ToString()), signer.Verifier));
        Assert.Null(Checkpoint.Open(note, other.Verifier));
        Assert.Null(Checkpoint.Open(signer.Sign((checkpoint with { Origin = "log.example/two" }).ToText()), signer.Verifier));

        // A signature of the log's own key that does not verify spoils the note, whatever stands beside it.
        Assert.Null(Checkpoint.Open(new(note.Text, [.. note.Signatures, note.Signatures[0] with { Signature = new byte[64] }]), signer.Verifier));
        Assert.NotNull(Checkpoint.Open(new(note.Text, [.. note.Signatures, new("witness.example", 1, [1, 2, 3])]), signer.Verifier));
    }

    [Theory]
    [InlineData("log\n07\nAAAA")]
    [InlineData("log\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")]
    [InlineData("log\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")]
    [InlineData("log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n")]
    [InlineData("log\n1\n")]
    [InlineData("\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")]
    public void TextThatIsNoCheckpoint_IsNone(string text) => Assert.Null(Checkpoint.Parse(text));

    [Fact]
    public void Cosignature_OfAWitness_Verifies()
    {
        using var log = Signer("log.example/one", 1);
        using var witness = Signer("witness.example", 3);
        var note = log.Sign(new Checkpoint("log.example/one", 0, TreeHash.Empty).ToText());
        var key = Convert.FromBase64String(witness.Verifier.ToString().Split('+', 3)[2])[1..];
        var verifier = new NoteVerifier("witness.example", key, NoteVerifier.Cosignature);
        var message = NoteVerifier.CosignedMessage(1_679_315_147, note.Text);
        var signature = witness.Sign(Encoding.UTF8.GetString(message)).Signatures[0].Signature;
        byte[] stamped = [0, 0, 0, 0, .. BitConverter.GetBytes(1_679_315_147).Reverse(), .. signature];
        var line = new NoteSignature("witness.example", verifier.KeyId, stamped);
        Assert.NotNull(verifier.Verify(new(note.Text, [.. note.Signatures, line])));
        stamped[7] ^= 1;
        Assert.Null(verifier.Verify(new(note.Text, [line])));
        Assert.NotEqual(witness.Verifier.KeyId, verifier.KeyId);
    }

    [Fact]
    public void Proof_StandsByItself_AndForItsEntryOnly()
    {
        using var signer = Signer("log.example/one", 1);
        var tree = TiledTree.Empty(new TilesInMemory());
        for (var i = 0; i < 300; i++) tree.Append(TreeHash.OfLeaf(Encoding.UTF8.GetBytes($"entry {i}")));
        var head = signer.Sign(new Checkpoint("log.example/one", 300, tree.Root).ToText());
        var bytes = new LogProof(257, "entry 257"u8.ToArray(), MerkleTree.InclusionProof(tree, 257, 300), head).ToBytes();
        var proof = LogProof.Parse(bytes)!;
        Assert.True(proof.Verifies(signer.Verifier));
        Assert.Equal(bytes, proof.ToBytes());
        Assert.False((proof with { Index = 256 }).Verifies(signer.Verifier));
        Assert.False((proof with { Entry = "entry 256"u8.ToArray() }).Verifies(signer.Verifier));
        Assert.StartsWith("c2sp.org/tlog-proof@v1\nextra ZW50cnkgMjU3\nindex 257\n", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        Assert.Null(LogProof.Parse(bytes.AsSpan(1)));
        Assert.Null(LogProof.Parse(bytes.AsSpan(0, bytes.Length - 1)));
    }

    /// <summary>A key that is the same in each run.</summary>
    internal static NoteSigner Signer(string name, byte seed)
    {
        using var secret = new SecretBytes(NoteSigner.SeedLength);
        secret.Span.Fill(seed);
        return new(name, secret);
    }

    private static SignedNote? Parse(string text) => SignedNote.Parse(Encoding.UTF8.GetBytes(text));
}
