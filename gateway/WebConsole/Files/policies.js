// What principals may do, and why.
import { html, Component } from './lib.js';
import { call, get, path, post } from './api.js';
import { Action, Badge, Dialog, Field, Form, Heading, Listing, Load, Section, Table, TypedConfirmation, link, say, tell } from './ui.js';
import { utf8ToBase64 } from './format.js';
import { actions, specs } from './facts.js';

const builtIn = ['administrator', 'auditor', 'key-manager', 'key-user'];
const example = [{ effect: 'allow', actions: ['keys:encrypt', 'keys:decrypt'], keys: ['payments.*'] }];
const text = (statements) => JSON.stringify(statements, null, 2);

function read(json) {
  try {
    return { statements: JSON.parse(json) };
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}`);
  }
}

const Statements = ({ value, hint }) => html`<${Field} label="Statements" name="statements" rows="14" required value=${value} hint=${hint} />`;

const NewPolicy = ({ close }) => html`<${Dialog} title="New policy" close=${close}><${Form} submit="Create" cancel=${close} run=${async ({ name, statements }) => {
  await call('PUT', path(['policies', name]), read(statements));
  close();
  say(`Created ${name}.`);
  location.hash = link('policies', name);
}}>
  <${Field} label="Name" name="name" required maxlength="128" autofocus />
  <${Statements} value=${text(example)} hint="JSON. What no statement allows is refused; what one denies is refused whatever allows it." />
<//><//>`;

class Simulation extends Component {
  state = { answer: null };

  simulate = async (fields) => {
    this.setState({ answer: null });
    const context = Object.fromEntries(['source', 'time', 'kind', 'spec'].filter((name) => fields[name]).map((name) => [name, fields[name]]));
    if (fields.associated_data) context.associated_data = utf8ToBase64(fields.associated_data);
    this.setState({
      answer: await post('/policies/simulate', {
        principal: fields.principal, action: fields.action, ...(fields.key_id ? { key_id: fields.key_id } : {}), ...(Object.keys(context).length ? { context } : {}),
      }),
    });
  };

  render({ who }, { answer }) {
    return html`<${Section} title="Would it be allowed?">
      <${Form} label="Simulate" submit="Simulate" run=${this.simulate}>
        <div class="filter">
          <${Field} label="Principal" name="principal" required value=${who.credential === 'administrator' ? '' : who.principal} />
          <${Field} label="Action" name="action" required list="actions" placeholder="keys:encrypt" />
          <${Field} label="Key" name="key_id" />
        </div>
        <datalist id="actions">${actions.map((name) => html`<option value=${name}></option>`)}</datalist>
        <details><summary>Conditions</summary><div class="filter">
          <${Field} label="From address" name="source" placeholder="192.0.2.1" />
          <${Field} label="At" name="time" placeholder="2026-01-31T12:00:00Z" />
          <${Field} label="Associated data" name="associated_data" />
          <${Field} label="Kind of ciphertext" name="kind" value="" options=${[['', 'any'], ['data', 'data'], ['data_key', 'data key'], ['data_key_pair', 'data key pair']]} />
          <${Field} label="Spec, if there is no such key" name="spec" value="" options=${[['', '–'], ...specs.map(({ name }) => [name, name])]} />
        </div></details>
      <//>
      ${answer && html`<div role="status">
        <p><${Badge} of=${answer.allowed ? 'allowed' : 'refused'} />${' '}${answer.because.length === 0 && 'No statement allows it.'}</p>
        ${answer.because.length > 0 && html`<${Table} caption="Because of" columns=${['Policy', 'Statement', 'Effect']}
          rows=${answer.because.map((reason) => [reason.policy, reason.statement ?? '–', reason.effect])} />`}
      </div>`}
    <//>`;
  }
}

export class Policies extends Component {
  state = { isNew: false };

  render({ who }, { isNew }) {
    return html`
      <${Heading} title="Policies"><button type="button" class="primary" onClick=${() => this.setState({ isNew: true })}>New policy</button><//>
      <section><${Listing} of="policies" name="policies" empty="There are none."
        page=${async (cursor) => { const page = await get(path(['policies'], { limit: 100, cursor })); return { items: page.policies, next: page.next_cursor }; }}>
        ${(items) => html`<${Table} caption="Policies" columns=${['Policy', 'Statements', '']} rows=${items.map((policy) => [
          html`<a href=${link('policies', policy.name)}>${policy.name}</a>`, policy.statements.length, builtIn.includes(policy.name) ? html`<span class="badge">built in</span>` : '',
        ])} />`}<//></section>
      <${Simulation} who=${who} />
      ${isNew && html`<${NewPolicy} close=${() => this.setState({ isNew: false })} />`}`;
  }
}

export class Policy extends Component {
  state = { isDeleting: false };

  render({ name }, { isDeleting }) {
    const address = path(['policies', name]);
    const isBuiltIn = builtIn.includes(name);
    return html`<${Load} of=${name} get=${() => get(address)}>${(policy, _, update) => html`
      <${Heading} title=${policy.name}>${isBuiltIn ? html`<span class="badge">built in</span>`
        : html`<button type="button" class="danger" onClick=${() => this.setState({ isDeleting: true })}>Delete</button>`}<//>
      <${Section} title="Statements">${isBuiltIn ? html`<pre class="pre" tabindex="0">${text(policy.statements)}</pre>`
        : html`<${Form} submit="Save" run=${async ({ statements }) => { update(await call('PUT', address, read(statements))); say('Saved. It takes effect everywhere within seconds.'); }}>
          <${Statements} value=${text(policy.statements)} hint="JSON" /><//>`}<//>
      ${isDeleting && html`<${TypedConfirmation} title="Delete policy" name=${name} submit="Delete" close=${() => this.setState({ isDeleting: false })}
        run=${async () => { await call('DELETE', address); say(`Deleted ${name}.`); location.hash = '#/policies'; }} />`}`}<//>`;
  }
}

/** A key's own policy. */
export const KeyPolicy = ({ id }) => {
  const address = path(['keys', id, 'policy']);
  return html`<${Section} title="The key's own policy">
    <p class="quiet">It narrows what principals' policies allow for this key; without one, those alone decide.</p>
    <${Load} of=${id} get=${async () => {
      try {
        return await get(address);
      } catch (problem) {
        if (problem.code === 'policy_not_found') return { statements: null };
        throw problem;
      }
    }}>${(policy, reload) => html`
      <${Form} key=${text(policy.statements)} submit="Save" run=${async ({ statements }) => { tell(await call('PUT', address, read(statements)), "The key's policy is saved."); await reload(); }}>
        <${Statements} value=${policy.statements ? text(policy.statements) : ''} hint=${html`JSON, for example <code>[{"effect": "allow", "actions": ["use"], "principals": ["cards-app"]}]</code>`} /><//>
      ${policy.statements && html`<p><${Action} kind="danger" run=${async () => { tell(await call('DELETE', address), "The key's policy is removed."); await reload(); }}>Remove policy<//></p>`}`}<//>
  <//>`;
};
