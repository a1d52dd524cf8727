// Signs and verifies with noble's signatures. Reads [{"spec", "verify", "key", "message", "signature", "context"}] with bytes in
// hexadecimal, and writes the signatures, or whether they are valid. ECDSA takes the digest as its message.
import { readFileSync } from 'node:fs';
import { p256, p384, p521 } from '@noble/curves/nist';
import { secp256k1 } from '@noble/curves/secp256k1';
import { ed25519 } from '@noble/curves/ed25519';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { slh_dsa_sha2_128s, slh_dsa_sha2_192s, slh_dsa_sha2_256s } from '@noble/post-quantum/slh-dsa.js';

const ecdsa = (curve) => ({
  sign: (key, message) => curve.sign(message, key, { prehash: false }).toCompactRawBytes(),
  verify: (key, message, signature) => curve.verify(signature, message, key, { prehash: false, lowS: curve === secp256k1 }),
});
const mldsa = (set) => ({
  sign: (seed, message, context) => set.sign(message, set.keygen(seed).secretKey, { context }),
  verify: (key, message, signature, context) => set.verify(signature, message, key, { context }),
});
const slhdsa = (set) => ({ verify: (key, message, signature, context) => set.verify(signature, message, key, { context }) });
const specs = {
  ECC_NIST_P256: ecdsa(p256), ECC_NIST_P384: ecdsa(p384), ECC_NIST_P521: ecdsa(p521), ECC_SECG_P256K1: ecdsa(secp256k1),
  ED25519: {
    sign: (key, message) => ed25519.sign(message, key),
    verify: (key, message, signature) => ed25519.verify(signature, message, key),
  },
  ML_DSA_44: mldsa(ml_dsa44), ML_DSA_65: mldsa(ml_dsa65), ML_DSA_87: mldsa(ml_dsa87),
  SLH_DSA_SHA2_128S: slhdsa(slh_dsa_sha2_128s), SLH_DSA_SHA2_192S: slhdsa(slh_dsa_sha2_192s), SLH_DSA_SHA2_256S: slhdsa(slh_dsa_sha2_256s),
};
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const answers = JSON.parse(readFileSync(0, 'utf8')).map(({ spec, verify, key, message, signature, context }) => verify
  ? specs[spec].verify(bytes(key), bytes(message), bytes(signature), bytes(context))
  : Buffer.from(specs[spec].sign(bytes(key), bytes(message), bytes(context))).toString('hex'));
process.stdout.write(JSON.stringify(answers));
