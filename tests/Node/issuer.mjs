// A real OpenID Connect issuer for the tests of signing in by JWT, and a second one that signs with the same keys under its own name.
//     node issuer.mjs KEYS PORT OTHER_PORT
// KEYS is a file that keeps the keys from one start to the next. The client cards:secret gets an access token by client credentials for
// each resource below. The line "rotate" on standard input replaces the keys.
import { createPublicKey, createSecretKey, generateKeyPairSync, randomUUID, webcrypto } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// Debian 12 has Node.js 18, which lacks these.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
URL.parse ??= (text, base) => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};

const [keyFile, ...ports] = process.argv.slice(2);
const { default: Provider } = await import('oidc-provider');

const audience = 'https://kms.example';
const newKey = (type, options) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig' });
const newKeys = () => [newKey('rsa', { modulusLength: 2048 }), newKey('ec', { namedCurve: 'P-256' })];
const pem = (keys) => createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' });

const resources = (keys) => ({
  'urn:kms': { audience, jwt: { sign: { alg: 'RS256' } } },
  'urn:kms:es256': { audience, jwt: { sign: { alg: 'ES256' } } },
  'urn:kms:short': { audience, accessTokenTTL: 2 },
  'urn:kms:hs256': { audience, jwt: { sign: { alg: 'HS256', kid: keys[0].kid, key: createSecretKey(Buffer.from(pem(keys))) } } },
  'urn:billing': { audience: 'https://billing.example' },
});

const provider = (port, keys) => new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'cards', client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
  jwks: { keys },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({ scope: '', accessTokenTTL: 600, accessTokenFormat: 'jwt', ...resources(keys)[resource] }),
    },
  },
});

let handlers;
const use = (keys) => {
  writeFileSync(keyFile, JSON.stringify(keys));
  handlers = ports.map((port) => provider(port, keys).callback());
};

use(existsSync(keyFile) ? JSON.parse(readFileSync(keyFile)) : newKeys());
await Promise.all(ports.map((port, i) => new Promise((resolve) => {
  createServer((request, response) => handlers[i](request, response)).listen(port, '127.0.0.1', resolve);
})));
console.log('ready');
// Without its parent it ends, too.
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'rotate') use(newKeys());
  console.log(`did ${line}`);
}
process.exit();
