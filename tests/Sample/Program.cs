// A trusted .NET service, as its authors would write it: it makes a key, encrypts a card number and reads it back;
// and it makes a key that signs, signs a receipt, and verifies that both through the service and by the public key alone.
//   DATABASE_URL=postgres://… OKMS_TLS_CA=… OKMS_TLS_CERT=… OKMS_TLS_KEY=… dotnet run --project tests/Sample -- payments.eu.cards
// OKMS_SILOS=127.0.0.1:30000,… stands in for the database where silos do not move, and OKMS_INSECURE_CLUSTER_NETWORK=true for
// the certificates on one machine.
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms;

var builder = Host.CreateApplicationBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.AddOrleansKmsClient(new KmsClientOptions
{
    Principal = builder.Configuration["OKMS_PRINCIPAL"] ?? "billing",
    DatabaseUrl = builder.Configuration["DATABASE_URL"],
    Silos = builder.Configuration["OKMS_SILOS"]?.Split(',').Select(IPEndPoint.Parse).ToArray(),
    ServiceId = builder.Configuration["OKMS_SERVICE_ID"] ?? "okms",
    ClusterId = builder.Configuration["OKMS_CLUSTER_ID"] ?? "okms",
    MutualTls = builder.Configuration["OKMS_TLS_CERT"] is { } certificate
        ? new MutualTlsFiles(builder.Configuration["OKMS_TLS_CA"]!, certificate, builder.Configuration["OKMS_TLS_KEY"]!)
        : null,
    InsecureDatabaseConnection = builder.Configuration["OKMS_INSECURE_DATABASE_CONNECTION"] == "true",
    InsecureNetwork = builder.Configuration["OKMS_INSECURE_CLUSTER_NETWORK"] == "true",
});

using var host = builder.Build();
await host.StartAsync();
var kms = host.Services.GetRequiredService<IKmsClient>();
var keyId = args.FirstOrDefault() ?? "sample.cards";
var customer = Encoding.UTF8.GetBytes("customer=42");

try
{
    var created = await kms.CreateKey(keyId, rotation: new RotationPlan(TimeSpan.FromDays(90), AfterUses: null));
    Console.WriteLine($"created {created.Id}, version {created.PrimaryVersion}");
}
catch (KmsException e) when (e.Error == KmsError.KeyExists)
{
    Console.WriteLine($"there is {keyId} already");
}

var encrypted = await kms.Encrypt(keyId, Encoding.UTF8.GetBytes("4111 1111 1111 1111"), customer);
Console.WriteLine($"encrypted {encrypted.Ciphertext.Length} bytes under version {encrypted.KeyVersion}");
var decrypted = await kms.Decrypt(encrypted.Ciphertext, customer);
Console.WriteLine($"decrypted {Encoding.UTF8.GetString(decrypted.Plaintext)}");
var dataKey = await kms.GenerateDataKey(keyId);
Console.WriteLine($"data key of {dataKey.Plaintext!.Length * 8} bits");

var signingKeyId = keyId + ".receipts";
try
{
    await kms.CreateKey(signingKeyId, spec: "ECC_NIST_P256");
}
catch (KmsException e) when (e.Error == KmsError.KeyExists)
{
    // It was made by an earlier run.
}

var receipt = Encoding.UTF8.GetBytes("paid 12.50");
var signature = await kms.Sign(signingKeyId, new SignItem(receipt));
Console.WriteLine($"signed by {signature.Algorithm} under version {signature.KeyVersion}");
var verified = await kms.Verify(signingKeyId, new VerifyItem(new SignItem(receipt), signature.Value));
var publicKey = await kms.ReadPublicKey(signingKeyId, signature.KeyVersion);
using var ecdsa = ECDsa.Create();
ecdsa.ImportSubjectPublicKeyInfo(publicKey.PublicKey, out _);
var verifiedHere = ecdsa.VerifyData(receipt, signature.Value, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
Console.WriteLine($"valid there: {verified.IsValid}, here: {verifiedHere}");
await host.StopAsync();
