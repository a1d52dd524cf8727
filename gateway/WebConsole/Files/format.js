// Values as people read them.
const digits = new Intl.NumberFormat('en');

export const count = (value) => digits.format(value);

/** A time in UTC, to the second. */
export const time = (text) => (text ? new Date(text).toISOString().replace('T', ' ').slice(0, 19) + ' UTC' : '–');

export const words = (name) => String(name).replaceAll('_', ' ');

const units = [['D', 'day'], ['H', 'hour'], ['M', 'minute'], ['S', 'second']];

/** An ISO 8601 duration in words. */
export function duration(text) {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text);
  if (!parts) return text;
  const said = units.map(([, unit], i) => parts[i + 1] && `${parts[i + 1]} ${unit}${parts[i + 1] === '1' ? '' : 's'}`).filter(Boolean);
  return said.join(' ') || text;
}

export function toBase64(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

export const utf8ToBase64 = (text) => toBase64(new TextEncoder().encode(text));

/** Bytes as text; null if they are none. */
export function textOf(base64) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(fromBase64(base64));
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The command that does the same; the token comes from a file and the body from standard input, since others see command lines. */
export function curl(method, address, body) {
  const lines = [
    `curl -fsS -H @<(printf 'Authorization: Bearer %s\\n' "$(cat admin.token)")`,
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'"]),
    `${body === undefined && method === 'GET' ? '' : `-X ${method} `}${quoted(location.origin + '/v1' + address)}`,
    ...(body === undefined ? [] : [`--data-binary @- <<'END'\n${JSON.stringify(body)}\nEND`]),
  ];
  return lines.join(' \\\n  ');
}

export const totalUses = (uses) => Object.entries(uses).reduce((sum, [name, value]) => (name === 'bytes' || name === 'last_used_at' ? sum : sum + value), 0);
