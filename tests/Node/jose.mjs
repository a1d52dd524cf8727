// Verifies tokens with jose by a set of keys that it fetches itself. Reads {"url", "authorization", "tokens"}, and writes for each token
// its header and claims, or the code of the error. A line on standard input is one such request, over the same fetched set.
import { webcrypto } from 'node:crypto';
import { createInterface } from 'node:readline';

// Debian 12 has Node.js 18, which lacks these.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
const { createRemoteJWKSet, jwtVerify } = await import('jose');

let keys;
for await (const line of createInterface({ input: process.stdin })) {
  const { url, authorization, tokens } = JSON.parse(line);
  // A token of an unknown key makes it fetch again, at once for the tests.
  keys ??= createRemoteJWKSet(new URL(url), { headers: { authorization }, cooldownDuration: 0 });
  const answers = [];
  for (const token of tokens) {
    try {
      const { protectedHeader, payload } = await jwtVerify(token, keys, { audience: 'billing' });
      answers.push({ header: protectedHeader, claims: payload });
    } catch (e) {
      answers.push({ error: e.code ?? String(e) });
    }
  }
  console.log(JSON.stringify(answers));
}
