using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using OrleansKms.Gateway.Access;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Wires;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>
/// A second wire, as other services' protocols are: requests go to one address and name their action in a header, the caller signs
/// the body with a secret that both sides know, and errors have a form of their own. The body is a key and a plaintext, a line each.
/// </summary>
internal sealed class SignedWire(OperationServices services, Admission admission) : IWireProtocol
{
    public const string ActionHeader = "Signed-Action";
    public const string SignatureHeader = "Signed-Signature";
    public const int MaxBody = 4096;

    private const string TextType = "text/plain";
    private static readonly byte[] _secret = "a secret that both sides know"u8.ToArray();
    private static readonly Principal _principal = new("signer", isAdministrator: true);

    public static string Sign(byte[] body) => Convert.ToHexString(HMACSHA256.HashData(_secret, body));

    public bool Takes(HttpRequest request) => request.Headers.ContainsKey(ActionHeader);

    public Exchange Begin(HttpContext http) => new SignedExchange(http, services);

    public ValueTask<SignIn> SignIn(Exchange exchange) => new(OrleansKms.Gateway.Wires.SignIn.AfterBody);

    public async Task Answer(Exchange exchange, RequestDelegate next)
    {
        var body = await exchange.Read(MaxBody, static (body, _) => body.ToArray(), 0);
        if (admission.Refuses(exchange, SignerOf(exchange.Http.Request, body)) is { } failure)
        {
            await Tell(exchange, await exchange.Recorded(failure, KmsOperation.Encrypt, keyId: null));
            return;
        }

        if (exchange.Http.Request.Headers[ActionHeader] != "Encrypt") throw KmsError.InvalidRequest.Exception();
        var lines = Encoding.UTF8.GetString(body).Split('\n');
        var key = await exchange.ResolveKey(lines[0], KmsOperation.Encrypt);
        var encrypted = await Encryption.Encrypt(exchange, key, Encoding.UTF8.GetBytes(lines[1]), associatedData: null);
        await exchange.AnswerBytes(encrypted.Ciphertext, "application/x-ciphertext");
    }

    public Task Tell(Exchange exchange, Failure failure)
    {
        exchange.Code = failure.Error.Code;
        return exchange.AnswerBytes(Encoding.UTF8.GetBytes($"!{failure.Error.Code}"), TextType, StatusCodes.Status400BadRequest);
    }

    private static SignIn SignerOf(HttpRequest request, byte[] body) =>
        request.Headers[SignatureHeader] == Sign(body)
            ? OrleansKms.Gateway.Wires.SignIn.As(_principal)
            : OrleansKms.Gateway.Wires.SignIn.Nobody;

    private sealed class SignedExchange(HttpContext http, OperationServices services) : Exchange(http, services)
    {
        public override string Label => "signed";
    }
}
