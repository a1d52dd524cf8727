// Calls of the HTTP interface, and the session that they are made in. The cookie, which scripts cannot see, holds the sealed token; this page
// holds the key to it, for as long as its tab lives, and shows it to other tabs of the console that ask.
const Slot = 'okms-console';
const AskFor = 300;
const Quiet = 5 * 60 * 1000;

const channel = new BroadcastChannel(Slot);
const ended = new Set();
let session = stored();
let lastInput = Date.now();

for (const name of ['pointerdown', 'keydown']) addEventListener(name, () => { lastInput = Date.now(); }, { passive: true });

channel.onmessage = ({ data }) => {
  if (data.ask && session) channel.postMessage({ tell: session });
  else if (data.tell) keep(data.tell);
  else if (data.end) forget(false);
};

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(Slot));
  } catch {
    return null;
  }
}

function keep(value) {
  session = value;
  sessionStorage.setItem(Slot, JSON.stringify(value));
}

function forget(tell) {
  session = null;
  sessionStorage.removeItem(Slot);
  if (tell) channel.postMessage({ end: true });
  for (const listener of ended) listener();
}

/** What went wrong, as the service says it. */
export class Problem extends Error {
  constructor(status, { code = 'unreachable', detail = 'The service cannot be reached.', request_id = null } = {}) {
    super(detail);
    Object.assign(this, { status, code, requestId: request_id });
  }
}

async function send(method, address, headers, body) {
  let response;
  let text;
  try {
    response = await fetch(address, { method, headers, body, credentials: 'same-origin', cache: 'no-store', redirect: 'error' });
    text = await response.text();
  } catch {
    throw new Problem(0);
  }

  let json = null;
  try {
    if (text) json = JSON.parse(text);
  } catch {
    throw new Problem(response.status, { code: 'unreadable', detail: 'The answer cannot be read: something else than the service has answered.' });
  }

  if (!response.ok && !json?.checks) throw new Problem(response.status, json ?? {});
  return { json, status: response.status };
}

/** Calls the interface; an operation that waits for approval is answered with `isPending`. */
export async function call(method, path, body) {
  const headers = {};
  if (session) headers.Authorization = 'Console ' + session.key;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    const { json, status } = await send(method, '/v1' + path, headers, body === undefined ? undefined : JSON.stringify(body));
    return status === 202 ? { ...json, isPending: true } : json;
  } catch (problem) {
    if (problem.status === 401) forget(true);
    throw problem;
  }
}

export const get = (path) => call('GET', path);
export const post = (path, body) => call('POST', path, body);

/** The service's health, which needs no session. */
export const health = async () => (await send('GET', '/health', {})).json;

/** A path with its parts escaped, and a query of what is not empty. */
export function path(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false);
  return '/' + parts.map(encodeURIComponent).join('/') + (given.length ? '?' + new URLSearchParams(given) : '');
}

/** Who is signed in; null for nobody. Instead of a session, a browser may have a client certificate. */
export async function whoAmI(byCertificate = false) {
  if (!session && !byCertificate) {
    channel.postMessage({ ask: true });
    await new Promise((resolve) => { setTimeout(resolve, AskFor); });
    if (!session) return null;
  }

  try {
    return await get('/whoami');
  } catch (problem) {
    if (problem.status === 401) return null;
    throw problem;
  }
}

export async function signIn(token) {
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Problem(401, { code: 'unauthenticated', detail: 'This is not a token: it has characters that no token has.' });
  keep((await send('POST', '/console/session', { Authorization: 'Bearer ' + token })).json);
  channel.postMessage({ tell: session });
}

export async function signOut() {
  await send('DELETE', '/console/session', {}).catch(() => null);
  forget(true);
}

/** Calls a function when the session has ended. */
export const onEnd = (listener) => { ended.add(listener); };

export const hasDashboard = () => session?.dashboard === true;

/** Whether somebody is looking: what repeats itself must not keep a session alive. */
export const isWatched = () => document.visibilityState === 'visible' && Date.now() - lastInput < Quiet;
