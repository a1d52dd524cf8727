// Drives the console in a browser, as a user does: on a narrow dark screen, on a wide light one, and as a second principal who approves.
// Reads {"url", "token", "approver", "guarded", "hostile", "reader", "usages", "pictures"}; writes what it saw, which the test judges.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import axe from 'axe-core';

const input = JSON.parse(readFileSync(0, 'utf8'));
const program = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
if (!program) throw new Error('There is no Chromium: deploy/test.sh installs it, or name it in CHROMIUM.');
const seen = { refusedByPolicy: [], errors: [], foreign: [], wide: [], unreadable: [], steps: {} };
const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });

async function open(options) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => { (window.refused ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`); });
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('request', (request) => { if (new URL(request.url()).origin !== input.url) seen.foreign.push(request.url()); });
  return page;
}

/** Looks at a page as a whole: labels, roles and contrasts, the width, and what its policy has refused. */
async function look(page, name) {
  await page.evaluate(() => document.fonts.ready);
  seen.refusedByPolicy.push(...await page.evaluate(() => window.refused ?? []));
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (width[0] > width[1]) seen.wide.push(`${name}: ${width[0]} of ${width[1]}`);
  if (input.pictures) await page.screenshot({ path: join(input.pictures, name + '.png'), fullPage: true });
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  seen.unreadable.push(...violations.map((violation) => `${name}: ${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`));
  await page.evaluate(() => { window.refused = []; });
}

async function signIn(page, token) {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const go = async (page, area, title) => { await page.getByRole('link', { name: area, exact: true }).click(); await heading(page, title ?? area); };

async function narrow() {
  const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
  await page.goto(input.url + '/');
  seen.steps.address = new URL(page.url()).pathname;
  await heading(page, 'Sign in');
  await look(page, 'sign-in-360-dark');
  await signIn(page, 'okms_0123456789abcdef_' + 'A'.repeat(43));
  seen.steps.wrongToken = await page.getByRole('alert').innerText();
  await signIn(page, input.token);
  await heading(page, 'Keys');

  // There can be more keys than a page lists.
  await page.getByLabel('Prefix').fill(input.hostile);
  await page.getByLabel('Prefix').press('Enter');
  await page.getByRole('link', { name: input.hostile }).waitFor();
  await look(page, 'keys-360-dark');

  // By the keyboard alone.
  await page.getByRole('button', { name: 'New key' }).focus();
  await page.keyboard.press('Enter');
  seen.steps.focusInDialog = await page.evaluate(() => document.activeElement.name);
  const id = input.hostile + '.made';
  await page.keyboard.type(id);
  await look(page, 'new-key-360-dark');
  await page.keyboard.press('Enter');
  await heading(page, id);
  await page.getByText(/Measuring|uses a second/).first().waitFor();
  await look(page, 'key-360-dark');

  await page.getByRole('link', { name: 'Try it' }).click();
  await page.getByLabel('Plaintext', { exact: true }).fill('grüße <b>&');
  await page.getByLabel('Associated data').first().fill('order=1');
  await page.getByRole('button', { name: 'Encrypt' }).click();
  const ciphertext = await page.getByRole('group', { name: 'Ciphertext', exact: true }).locator('code').innerText();
  await page.locator('textarea[name=ciphertext]').waitFor();
  seen.steps.arrived = (await page.locator('textarea[name=ciphertext]').inputValue()) === ciphertext;
  await page.getByLabel('Associated data').last().fill('order=1');
  await page.getByRole('button', { name: 'Decrypt' }).click();
  seen.steps.plaintext = await page.getByRole('group', { name: 'Plaintext', exact: true }).locator('code').innerText();
  await page.getByText('The same with curl').first().click();
  seen.steps.curl = await page.getByRole('group', { name: 'curl: Encrypt' }).locator('code').innerText();
  await look(page, 'try-360-dark');

  await page.getByRole('button', { name: 'Rotate' }).click();
  await page.getByText('Version 2 is the primary one now').waitFor();
  await page.getByRole('link', { name: 'Versions' }).click();
  seen.steps.versions = await page.getByRole('rowheader').allInnerTexts();
  await look(page, 'versions-360-dark');

  await page.getByRole('button', { name: 'Schedule deletion' }).click();
  const submit = page.getByRole('dialog').getByRole('button', { name: 'Schedule deletion' });
  await page.getByLabel(/^Type/).fill(id.slice(0, -1));
  seen.steps.deletesWithoutTheWholeId = await submit.isEnabled();
  await page.getByLabel(/^Type/).fill(id);
  await look(page, 'delete-360-dark');
  await submit.click();
  await page.getByRole('button', { name: 'Cancel deletion' }).waitFor();
  seen.steps.focusAfterDialog = await page.evaluate(() => document.activeElement.tagName);
  await page.getByRole('button', { name: 'Cancel deletion' }).click();
  await page.getByRole('button', { name: 'Enable', exact: true }).click();
  await page.getByRole('button', { name: 'Disable', exact: true }).waitFor();

  // Another tab is signed in by the first; after a sign-out neither is, and the cookie is gone.
  const other = await page.context().newPage();
  await other.goto(input.url + '/console#/policies');
  await heading(other, 'Policies');
  const cookies = await page.context().cookies(input.url + '/v1/keys');
  seen.steps.cookie = cookies.map(({ name, path, httpOnly, sameSite }) => ({ name, path, httpOnly, sameSite }));
  seen.steps.scriptsSee = await page.evaluate((token) => document.cookie + (Object.values(sessionStorage).join().includes(token) ? token : ''), input.token);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await heading(other, 'Sign in');
  seen.steps.cookiesLeft = (await page.context().cookies(input.url + '/v1/keys')).length;
  await page.context().close();
  return id;
}

async function wide(made) {
  const page = await open({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  await page.goto(input.url + '/console');
  await heading(page, 'Sign in');
  await look(page, 'sign-in-wide-light');
  await signIn(page, input.token);
  await heading(page, 'Keys');
  // Among many other keys: one search looks at a bounded number of pages.
  await page.getByLabel('Prefix').fill(input.hostile);
  await page.getByLabel('Search').fill('onerror');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText('1 key', { exact: true }).waitFor();
  await look(page, 'keys-wide-light');
  await page.getByRole('link', { name: input.hostile }).click();
  await heading(page, input.hostile);
  seen.steps.hostileText = [await page.locator('main .pre').innerText(), await page.locator('main .tag').innerText()];
  seen.steps.hostileElements = await page.locator('main img, main script, main iframe').count();

  // The counter rises while somebody looks.
  const used = page.locator('.big');
  const before = await used.innerText();
  await page.evaluate(async ([url, token, id]) => {
    await fetch(`${url}/v1/keys/${id}/encrypt`, { method: 'POST', headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' }, body: '{"plaintext":"AQ=="}' });
  }, [input.url, input.token, input.hostile]);
  await page.waitForFunction((text) => document.querySelector('.big').textContent !== text, before);
  await page.getByText('uses a second in the last').waitFor();
  seen.steps.uses = [before, await used.innerText()];
  await look(page, 'key-wide-light');
  for (const [part, text] of [['Settings', 'Minimum version that decrypts'], ['Policy', 'Save'], ['History', 'verified']]) {
    await page.getByRole('link', { name: part, exact: true }).click();
    await page.getByText(text, { exact: true }).first().waitFor();
    await look(page, `key-${part.toLowerCase()}-wide-light`);
  }

  await tryUsages(page);
  await go(page, 'Principals');
  await page.getByRole('button', { name: 'New principal' }).click();
  await page.getByLabel('Name').fill(input.reader);
  await page.getByLabel('key-user').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await heading(page, input.reader);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  seen.steps.token = await page.getByRole('group', { name: 'Token' }).locator('code').innerText();
  await page.getByRole('button', { name: 'I have stored it' }).click();
  await page.getByRole('button', { name: /^Revoke token/ }).waitFor();
  seen.steps.tokenStaysInThePage = (await page.content()).includes(seen.steps.token);
  await look(page, 'principal-wide-light');

  await go(page, 'Policies');
  await page.getByLabel('Principal').fill(input.reader);
  for (const action of ['keys:encrypt', 'keys:rotate']) {
    await page.getByLabel('Action').fill(action);
    await page.getByLabel('Key', { exact: true }).fill(made);
    await page.getByRole('button', { name: 'Simulate' }).click();
    await page.locator('main [role=status] .badge').waitFor();
    (seen.steps.simulated ??= []).push(await page.locator('main [role=status] .badge').innerText());
    await look(page, `policies-${action.slice(5)}-wide-light`);
  }

  await go(page, 'Audit');
  await page.getByRole('textbox', { name: 'Key', exact: true }).fill(made);
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('keys:create', { exact: true }).waitFor();
  seen.steps.credentials = await page.locator('tbody tr:has-text("keys:create") td').first().innerText();
  await look(page, 'audit-wide-light');
  await go(page, 'Cluster');
  await page.getByRole('heading', { name: 'Key-encryption keys' }).waitFor();
  await page.getByText('current', { exact: true }).waitFor();
  seen.steps.dashboard = await page.getByRole('link', { name: 'Dashboard', exact: true }).count();
  await look(page, 'cluster-wide-light');
  await page.setViewportSize({ width: 360, height: 740 });
  await look(page, 'cluster-360-light');
  await page.context().close();
}

/** The forms to try keys with, of every usage that has them: what they answer, and what the other half says of it. */
async function tryUsages(page) {
  const form = (name) => page.getByRole('form', { name, exact: true });
  const answer = (name) => page.getByRole('group', { name, exact: true }).locator('code').innerText();
  const fill = (name, label, text) => form(name).getByLabel(label, { exact: true }).fill(text);
  const send = (name) => form(name).getByRole('button').click();
  const judged = async (name, verdict) => { await send(name); await page.getByText(verdict).waitFor(); };
  const [valid, invalid] = ['It is valid: version 1 made it.', 'It is not valid.'];
  const open = async (usage) => {
    await page.goto(`${input.url}/console#/keys/${encodeURIComponent(input.usages[usage])}/try`);
    await heading(page, input.usages[usage]);
  };
  const done = seen.steps.usages = {};

  await open('sign_verify');
  await form('Sign').getByLabel('Algorithm', { exact: true }).selectOption('ED25519_PH');
  await fill('Sign', 'Message', 'grüße');
  await send('Sign');
  done.signature = await answer('Signature');
  await form('Verify').getByLabel('Algorithm', { exact: true }).selectOption('ED25519_PH');
  await fill('Verify', 'Message', 'grüße');
  await judged('Verify', valid);
  await look(page, 'try-sign-wide-light');
  await fill('Verify', 'Message', 'grüsse');
  await judged('Verify', invalid);

  await open('mac');
  await fill('Make a MAC', 'Message', 'AQID');
  await form('Make a MAC').getByLabel('Message is given as', { exact: true }).selectOption('base64');
  await send('Make a MAC');
  done.mac = await answer('MAC');
  await fill('Verify a MAC', 'Message', 'AQID');
  await judged('Verify a MAC', invalid);
  await form('Verify a MAC').getByLabel('Message is given as', { exact: true }).selectOption('base64');
  await judged('Verify a MAC', valid);
  await look(page, 'try-mac-wide-light');

  await open('derive');
  await fill('Derive', 'Context', 'tenant=42');
  await fill('Derive', 'Bytes', '48');
  await send('Derive');
  done.derived = await answer('Derived');
  await look(page, 'try-derive-wide-light');

  await open('jws');
  await fill('Sign a token', 'Claims', '{"sub": "somebody"');
  await send('Sign a token');
  done.noClaims = await page.getByRole('alert').innerText();
  await fill('Sign a token', 'Claims', '{"sub": "somebody"}');
  await send('Sign a token');
  done.jws = await answer('JWS');
  await look(page, 'try-jws-wide-light');

  await open('encrypt_decrypt');
  done.associated = await page.getByLabel('Associated data').count();
  await form('Encrypt').getByLabel('Algorithm', { exact: true }).selectOption('RSAES_OAEP_SHA_1');
  await fill('Encrypt', 'Plaintext', 'grüße');
  await send('Encrypt');
  done.ciphertext = await answer('Ciphertext');
  await send('Decrypt');
  done.plaintext = await answer('Plaintext');
  await look(page, 'try-rsa-wide-light');
}

async function approve() {
  const page = await open({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
  await page.goto(input.url + '/console#/approvals');
  await heading(page, 'Sign in');
  await signIn(page, input.approver);
  await heading(page, 'Approvals');
  await page.getByRole('button', { name: `Approve: disable of ${input.guarded}` }).waitFor();
  await look(page, 'approvals-wide-dark');
  await page.getByRole('button', { name: `Approve: disable of ${input.guarded}` }).click();
  await page.getByText('the operation is carried out').waitFor();
  await go(page, 'Cluster');
  seen.steps.refused = await page.getByRole('alert').last().innerText();
  seen.steps.dashboardOfOthers = await page.getByRole('link', { name: 'Dashboard', exact: true }).count();
  await go(page, 'Keys');
  await page.getByLabel('Prefix').fill(input.guarded);
  await page.getByLabel('Prefix').press('Enter');
  await page.getByRole('link', { name: input.guarded, exact: true }).click();
  await heading(page, input.guarded);
  await look(page, 'key-wide-dark');
  await page.context().close();
}

try {
  const made = await narrow();
  await wide(made);
  await approve();
} catch (error) {
  const page = browser.contexts().flatMap((context) => context.pages()).at(-1);
  if (input.pictures) await page?.screenshot({ path: join(input.pictures, 'failed.png') }).catch(() => null);
  console.error(`${error.stack}\nThe page: ${await page?.locator('body').innerText().catch(() => '?')}\nSeen: ${JSON.stringify(seen, null, 1)}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

process.stdout.write(JSON.stringify(seen));
