// Encrypts or decrypts with noble's AEADs. Reads {"spec", "decrypt", "cases": [{"key", "nonce", "associatedData", "text"}]} with bytes in
// hexadecimal, and writes the texts; null for one that does not decrypt.
import { readFileSync } from 'node:fs';
import { gcm, gcmsiv } from '@noble/ciphers/aes';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha';

const aeads = {
  AES_256_GCM: gcm,
  AES_256_GCM_SIV: gcmsiv,
  CHACHA20_POLY1305: chacha20poly1305,
  XCHACHA20_POLY1305: xchacha20poly1305,
};
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const { spec, decrypt, cases } = JSON.parse(readFileSync(0, 'utf8'));
const texts = cases.map(({ key, nonce, associatedData, text }) => {
  const cipher = aeads[spec](bytes(key), bytes(nonce), bytes(associatedData));
  try {
    return Buffer.from(decrypt ? cipher.decrypt(bytes(text)) : cipher.encrypt(bytes(text))).toString('hex');
  } catch {
    return null;
  }
});
process.stdout.write(JSON.stringify(texts));
