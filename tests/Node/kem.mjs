// Encapsulates and decapsulates with noble's ML-KEM and X-Wing. Reads {"spec", "seed", "publicKey", "ciphertexts"} with bytes in hexadecimal;
// writes the public key of the seed, the secrets of the ciphertexts, and a ciphertext for the public key with its secret.
import { readFileSync } from 'node:fs';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { XWing } from '@noble/post-quantum/hybrid.js';

const specs = { ML_KEM_512: ml_kem512, ML_KEM_768: ml_kem768, ML_KEM_1024: ml_kem1024, X_WING: XWing };
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (array) => Buffer.from(array).toString('hex');
const { spec, seed, publicKey, ciphertexts } = JSON.parse(readFileSync(0, 'utf8'));
const kem = specs[spec];
const keys = kem.keygen(bytes(seed));
const made = kem.encapsulate(bytes(publicKey));
process.stdout.write(JSON.stringify({
  publicKey: hex(keys.publicKey),
  secrets: ciphertexts.map((ciphertext) => hex(kem.decapsulate(bytes(ciphertext), keys.secretKey))),
  ciphertext: hex(made.cipherText),
  secret: hex(made.sharedSecret),
}));
