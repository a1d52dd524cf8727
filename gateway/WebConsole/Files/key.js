// One key: what it is, how much it is used, and what can be done with it.
import { html, Component } from './lib.js';
import { call, get, path, post } from './api.js';
import { Action, Badge, Code, Facts, Field, Form, Heading, Listing, Load, Section, Table, Time, TypedConfirmation, link, say, tell } from './ui.js';
import { count, duration, totalUses, words } from './format.js';
import { Rate } from './rate.js';
import { Playground } from './playground.js';
import { KeyPolicy } from './policies.js';

const parts = [['overview', 'Overview'], ['try', 'Try it'], ['versions', 'Versions'], ['settings', 'Settings'], ['policy', 'Policy'], ['history', 'History']];
const uses = ['encrypt', 'decrypt', 'sign', 'verify', 'mac', 'derive', 'decapsulate'];
const of = (id, ...rest) => path(['keys', id, ...rest]);

class Deletion extends Component {
  render({ id, close, done }) {
    return html`<${TypedConfirmation} title="Schedule deletion" name=${id} submit="Schedule deletion" close=${close}
      what="From now on the key decrypts nothing. When its time has come, its material is erased for good, and its id stays taken."
      run=${async ({ after }) => {
        const key = await post(of(id, 'schedule-deletion'), after ? { after } : {});
        close();
        tell(key, 'The deletion is scheduled. Until then it can be cancelled.');
        done(key);
      }}>
      <${Field} label="After" name="after" value="P30D" pattern="P(\\d+D)?(T(\\d+H)?(\\d+M)?(\\d+S)?)?" hint="An ISO 8601 duration; the operator may have set a minimum." />
    <//>`;
  }
}

/** What can be done with the key as a whole. */
class Commands extends Component {
  state = { isDeleting: false };

  command = (name, text) => async () => {
    const key = await post(of(this.props.of.id, name));
    tell(key, text(key));
    this.props.done(key);
  };

  render({ of: key, done }, { isDeleting }) {
    const { state, id } = key;
    return html`<div class="row">
      ${state === 'enabled' && html`<${Action} run=${this.command('rotate', (now) => `Version ${now.primary_version} is the primary one now. What older versions have encrypted still decrypts.`)}>Rotate<//>`}
      ${state === 'enabled' && html`<${Action} run=${this.command('disable', () => 'The key is disabled.')}>Disable<//>`}
      ${state === 'disabled' && html`<${Action} run=${this.command('enable', () => 'The key is enabled.')}>Enable<//>`}
      ${state === 'pending_deletion' && html`<${Action} run=${this.command('cancel-deletion', () => 'The deletion is cancelled. The key is disabled.')}>Cancel deletion<//>`}
      ${!['pending_deletion', 'destroyed'].includes(state) && html`<button type="button" class="danger" onClick=${() => this.setState({ isDeleting: true })}>Schedule deletion</button>`}
      ${isDeleting && html`<${Deletion} id=${id} done=${done} close=${() => this.setState({ isDeleting: false })} />`}
    </div>`;
  }
}

const Plan = ({ of: plan }) => plan === null ? 'only by hand' : html`${[
  plan.every && `every ${duration(plan.every)}`, plan.after_uses && `after ${count(plan.after_uses)} uses`,
].filter(Boolean).join(', ')}${plan.next_at && html`<br /><span class="quiet">next <${Time} of=${plan.next_at} /></span>`}`;

const Overview = ({ of: key, update }) => html`
  <div class="two">
    <${Section} title="Uses"><${Rate} key=${key.id} of=${key} update=${update} /><//>
    <${Section} title="Counters">
      <p class="big">${count(totalUses(key.uses))}</p>
      <${Facts} of=${[...uses.filter((name) => key.uses[name]).map((name) => [words(name), count(key.uses[name])]),
        ['bytes', count(key.uses.bytes)], ['last used', html`<${Time} of=${key.uses.last_used_at} />`]]} />
      <h3>Last used by</h3>
      <${LastUser} id=${key.id} at=${key.uses.last_used_at} />
    <//>
  </div>
  <${Section} title="About">
    <${Facts} of=${[
      ['spec', html`<span class="mono">${key.spec}</span>`], ['usage', words(key.usage)], ['protection', key.protection], ['origin', key.origin],
      ['exportable', key.exportable ? 'yes' : 'no'], ['created', html`<${Time} of=${key.created_at} />`],
      ['primary version', key.primary_version], ['decrypts from version', key.min_decrypt_version],
      ['rotation', html`<${Plan} of=${key.rotation} />`],
      ['deletion', key.deletion_at ? html`<${Time} of=${key.deletion_at} />` : undefined],
      ['limits', key.limits?.map((limit) => html`<div>${count(limit.count)} ${limit.of} in ${duration(limit.per)}</div>`)],
      ['dual control', key.approval ? `${key.approval.required} of ${key.approval.approvers.join(', ')} for ${key.approval.operations.join(', ')}` : undefined],
    ]} />
    ${key.description && html`<h3>Description</h3><p class="pre">${key.description}</p>`}
    ${Object.keys(key.tags).length > 0 && html`<h3>Tags</h3><p>${Object.entries(key.tags).map(([name, value]) => html`<span class="tag">${name}: ${value}</span>`)}</p>`}
  <//>
  <${Aliases} id=${key.id} />
  ${key.state !== 'destroyed' && (key.spec.startsWith('RSA') || ['sign_verify', 'key_agreement', 'jws', 'encapsulate'].includes(key.usage)) && html`<${PublicKey} id=${key.id} />`}`;

/** Of the newest records of the key, the newest use. */
const LastUser = ({ id, at }) => at === null ? html`<p class="quiet">Nobody yet.</p>` : html`<${Load} of=${id} get=${async () => {
  try {
    const { records } = await get(path(['audit'], { key: id, outcome: 'ok', limit: 200 }));
    return records.find(({ action }) => /^keys:(encrypt|decrypt|rewrap|reencrypt|datakey|sign|verify|mac|derive|encapsulate|decapsulate|jws)/.test(action)) ?? null;
  } catch (error) {
    return { error };
  }
}}>${(record) => record?.error ? html`<p class="quiet">The audit trail would say: ${record.error.message}</p>`
  : record === null ? html`<p class="quiet">None of the newest 200 records is a use.</p>`
  : html`<p><strong>${record.principal}</strong> <span class="quiet">by ${record.credential} from ${record.source}</span><br /><code>${record.action}</code> <${Time} of=${record.time} /></p>`}<//>`;

const Aliases = ({ id }) => html`<${Section} title="Aliases"><${Load} of=${id} get=${() => aliasesOf(id)}>${({ aliases, isWhole }, reload) => html`
  ${aliases.length === 0 ? html`<p class="quiet">No alias stands for this key.</p>` : html`<${Table} caption="Aliases" columns=${['Alias', '']} rows=${aliases.map(({ name }) => [
    html`<code>alias:${name}</code>`,
    html`<${Action} kind="small" label=${`Remove alias ${name}`} run=${async () => { await call('DELETE', path(['aliases', name])); say('The alias is removed.'); await reload(); }}>Remove<//>`,
  ])} />`}
  ${!isWhole && html`<p class="quiet">There are more aliases than were looked at.</p>`}
  <${Form} submit="Point alias here" kind="" className="filter" label="New alias" run=${async ({ name }, form) => {
    await call('PUT', path(['aliases', name]), { key_id: id });
    say(`alias:${name} stands for this key now.`);
    form.reset();
    await reload();
  }}><${Field} label="Name" name="name" required maxlength="128" /><//>`}<//><//>`;

async function aliasesOf(id) {
  const aliases = [];
  let cursor;
  for (let i = 0; i < 5; i++) {
    const page = await get(path(['aliases'], { limit: 1000, cursor }));
    aliases.push(...page.aliases.filter((alias) => alias.key_id === id));
    cursor = page.next_cursor;
    if (!cursor) break;
  }

  return { aliases, isWhole: !cursor };
}

const PublicKey = ({ id }) => html`<${Section} title="Public key"><${Load} of=${id} get=${() => get(of(id, 'public-key'))}>
  ${(key) => html`<${Code} label="Public key" text=${key.pem} />`}<//><//>`;

const Versions = ({ of: key, done }) => {
  const command = (version, name, text) => html`<${Action} kind="small" label=${`${text}: version ${version}`} run=${async () => {
    const now = await post(of(key.id, 'versions', version, name));
    tell(now, `Version ${version}: done.`);
    done(now);
  }}>${text}<//>`;
  return html`<${Section} title="Versions"><${Table} caption="Versions" columns=${['Version', 'State', 'Created', 'Uses', 'Erased', '']}
    rows=${[...key.versions].reverse().map((version) => [
      html`${version.version}${version.version === key.primary_version && html` <span class="badge">primary</span>`}`,
      html`<${Badge} of=${version.state} />`, html`<${Time} of=${version.created_at} />`, count(version.uses), html`<${Time} of=${version.destroy_at} />`,
      html`<div class="row">
        ${version.state === 'enabled' && command(version.version, 'disable', 'Disable')}
        ${version.state === 'disabled' && command(version.version, 'enable', 'Enable')}
        ${version.state === 'pending_destruction' && command(version.version, 'cancel-destroy', 'Cancel destruction')}
        ${['enabled', 'disabled'].includes(version.state) && version.version !== key.primary_version
          && html`<${DestroyVersion} id=${key.id} version=${version.version} done=${done} />`}
      </div>`])} /><//>`;
};

class DestroyVersion extends Component {
  state = { isOpen: false };

  render({ id, version, done }, { isOpen }) {
    const close = () => this.setState({ isOpen: false });
    return html`<button type="button" class="small danger" aria-label=${`Destroy: version ${version}`} onClick=${() => this.setState({ isOpen: true })}>Destroy</button>
      ${isOpen && html`<${TypedConfirmation} title=${`Destroy version ${version}`} name=${id} submit="Destroy" close=${close}
        what="What this version has encrypted will never be decrypted again. Until its time has come, the destruction can be cancelled."
        run=${async ({ after }) => {
          const key = await post(of(id, 'versions', version, 'destroy'), after ? { after } : {});
          close();
          tell(key, `Version ${version} will be destroyed.`);
          done(key);
        }}><${Field} label="After" name="after" value="P7D" hint="An ISO 8601 duration" /><//>`}`;
  }
}

const tagLines = (tags) => Object.entries(tags).map(([name, value]) => `${name}: ${value}`).join('\n');

function readTags(text) {
  const tags = {};
  for (const line of text.split('\n').filter((each) => each.trim())) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`This line is no tag: ${line}`);
    tags[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }

  return tags;
}

const Settings = ({ of: key, done }) => {
  const change = (body, text) => call('PATCH', of(key.id), body).then((now) => { tell(now, text); done(now); });
  return html`<div class="two">
    <${Section} title="Description and tags"><${Form} submit="Save" run=${({ description, tags }) => change({ description: description || null, tags: readTags(tags) }, 'Saved.')}>
      <${Field} label="Description" name="description" value=${key.description ?? ''} rows="2" maxlength="1024" />
      <${Field} label="Tags" name="tags" value=${tagLines(key.tags)} rows="4" hint="One on each line: name: value" />
    <//><//>
    <${Section} title="Rotation"><${Form} submit="Save" run=${({ every, after_uses: after }) => change({
      rotation: every || after ? { ...(every ? { every } : {}), ...(after ? { after_uses: Number(after) } : {}) } : null,
    }, 'The rotation plan is saved.')}>
      <${Field} label="Every" name="every" value=${key.rotation?.every ?? ''} placeholder="P90D" hint="An ISO 8601 duration; both empty: only by hand" />
      <${Field} label="After uses" name="after_uses" type="number" min="1" value=${key.rotation?.after_uses ?? ''} />
    <//><//>
    <${Section} title="Minimum version that decrypts"><${Form} submit="Save" run=${({ least }) => change({ min_decrypt_version: Number(least) }, 'Saved.')}>
      <${Field} label="Version" name="least" type="number" min="1" value=${key.min_decrypt_version} hint="Ciphertexts of older versions are refused." />
    <//><//>
  </div>`;
};

const History = ({ id }) => html`<${Section} title="History"><${Listing} of=${id} name="events" empty="Nothing is recorded." page=${async (cursor) => {
  const page = await get(path(['keys', id, 'history'], { limit: 50, cursor }));
  return { items: page.events.map((event) => ({ ...event, isVerified: page.verified, brokenAt: page.broken_at })), next: page.next_cursor };
}}>${(events) => html`
  <p><${Badge} of=${events.every((event) => event.isVerified) ? 'verified' : 'broken'} />${' '}<span class="quiet">${events.every((event) => event.isVerified)
    ? 'Every event shown is in the chain whose head the key itself holds.'
    : `Event ${events.find((event) => !event.isVerified).brokenAt ?? ''} has been changed, or is missing.`}</span></p>
  <${Table} caption="History" columns=${['Event', 'Time', 'Action', 'By', 'From', 'Version', 'Detail']} rows=${events.map((event) => [
    event.number, html`<${Time} of=${event.time} />`, html`<code>${event.action}</code>`,
    html`${event.principal}${event.credential && html`<div class="quiet">${event.credential}</div>`}`, event.source, event.key_version ?? '–', event.reason ?? '–',
  ])} />`}<//><//>`;

export const Key = ({ id, part }) => html`<${Load} of=${id} get=${() => get(of(id))}>${(key, reload, update) => {
  // An operation that waits for approval has changed nothing.
  const done = (now) => (now.isPending ? reload() : update(now));
  return html`
    <${Heading} title=${key.id}><${Badge} of=${key.state} /><${Commands} of=${key} done=${done} /><//>
    <nav class="tabs" aria-label="Key"><ul>${parts.map(([name, text]) =>
      html`<li><a href=${link('keys', id, name)} aria-current=${name === part ? 'page' : undefined}>${text}</a></li>`)}</ul></nav>
    ${part === 'overview' && html`<${Overview} of=${key} update=${update} />`}
    ${part === 'try' && html`<${Playground} key=${key.id} of=${key} done=${reload} />`}
    ${part === 'versions' && html`<${Versions} of=${key} done=${done} />`}
    ${part === 'settings' && html`<${Settings} key=${JSON.stringify([key.description, key.tags, key.rotation, key.min_decrypt_version])} of=${key} done=${done} />`}
    ${part === 'policy' && html`<${KeyPolicy} id=${key.id} />`}
    ${part === 'history' && html`<${History} id=${key.id} />`}`;
}}<//>`;
