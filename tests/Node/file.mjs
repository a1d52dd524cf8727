// Opens and makes encrypted files by silo/Verbs/Files/FORMAT.md, with what Node.js brings. Reads {"key", "files": [base64]}, or
// {"key", "make": [{"cipher", "associatedData", "salt", "wrapped": [base64], "content"}]}, and writes
// [{"associatedData", "keys": [{"id", "version"}], "content"}] or [file], all bytes in base64; null for a file that does not open.
import { readFileSync } from 'node:fs';
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const ciphers = { 1: 'aes-256-gcm', 4: 'chacha20-poly1305' };
const bytes = (base64) => Buffer.from(base64, 'base64');
const derive = (key, salt, info) => Buffer.from(hkdfSync('sha256', key, salt, info, 32));
const macOf = (key, header) => createHmac('sha256', derive(key, Buffer.alloc(0), 'okms-file/1 header')).update(header).digest();
const payloadKey = (key, salt, cipher) => derive(key, salt, Buffer.concat([Buffer.from('okms-file/1 payload'), Buffer.of(cipher)]));
const nonceOf = (number, isLast) => Buffer.concat([Buffer.alloc(3), bigEndian64(number), Buffer.of(isLast ? 1 : 0)]);
const bigEndian64 = (number) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(number)); return b; };
const bigEndian16 = (number) => { const b = Buffer.alloc(2); b.writeUInt16BE(number); return b; };

function open(file, key) {
  let at = 0;
  const take = (length) => { at += length; if (at > file.length) throw new Error('cut off'); return file.subarray(at - length, at); };
  const check = (holds) => { if (!holds) throw new Error('malformed'); };
  check(take(8).toString('latin1') === 'okmsfile');
  const [format, cipher, count] = take(3);
  check(format === 1 && cipher in ciphers && count >= 1 && count <= 32);
  const associatedData = take(take(2).readUInt16BE());
  const salt = take(32);
  const keys = [];
  for (let i = 0; i < count; i++) {
    const wrapped = take(take(2).readUInt16BE());
    keys.push({ id: wrapped.subarray(7, 7 + wrapped[6]).toString('latin1'), version: wrapped.readUInt32BE(2) });
  }

  const header = file.subarray(0, at);
  check(timingSafeEqual(macOf(key, header), take(32)));
  const chunkKey = payloadKey(key, salt, cipher);
  const content = [];
  for (let number = 0, isLast = false; !isLast; number++) {
    const chunk = take(Math.min(65552, file.length - at));
    isLast = at === file.length;
    check(chunk.length >= 16 && (chunk.length > 16 || number === 0));
    const opened = createDecipheriv(ciphers[cipher], chunkKey, nonceOf(number, isLast), { authTagLength: 16 });
    opened.setAuthTag(chunk.subarray(-16));
    content.push(opened.update(chunk.subarray(0, -16)), opened.final());
  }

  return { associatedData: associatedData.toString('base64'), keys, content: Buffer.concat(content).toString('base64') };
}

function make({ cipher, associatedData, salt, wrapped, content }, key) {
  const [ad, plaintext] = [bytes(associatedData), bytes(content)];
  const stanzas = wrapped.map(bytes).flatMap((one) => [bigEndian16(one.length), one]);
  const header = Buffer.concat([Buffer.from('okmsfile'), Buffer.of(1, cipher, wrapped.length), bigEndian16(ad.length), ad, bytes(salt), ...stanzas]);
  const chunks = [];
  const count = Math.max(1, Math.ceil(plaintext.length / 65536));
  for (let number = 0; number < count; number++) {
    const sealed = createCipheriv(ciphers[cipher], payloadKey(key, bytes(salt), cipher), nonceOf(number, number === count - 1), { authTagLength: 16 });
    chunks.push(sealed.update(plaintext.subarray(number * 65536, (number + 1) * 65536)), sealed.final(), sealed.getAuthTag());
  }

  return Buffer.concat([header, macOf(key, header), ...chunks]).toString('base64');
}

const { key, files, make: toMake } = JSON.parse(readFileSync(0, 'utf8'));
const tryOpen = (file) => { try { return open(bytes(file), bytes(key)); } catch { return null; } };
process.stdout.write(JSON.stringify(files ? files.map(tryOpen) : toMake.map((one) => make(one, bytes(key)))));
