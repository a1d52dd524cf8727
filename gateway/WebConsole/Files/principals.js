// Who may sign in, and by which tokens.
import { html, Component } from './lib.js';
import { call, get, path, post } from './api.js';
import { Action, Badge, Check, Code, Dialog, Facts, Field, Form, Heading, Listing, Load, Section, Table, Time, TypedConfirmation, link, say } from './ui.js';
import { count, duration } from './format.js';

const of = (name, ...rest) => path(['principals', name, ...rest]);

async function policyNames() {
  const { policies } = await get(path(['policies'], { limit: 1000 }));
  return policies.map((policy) => policy.name);
}

const chosen = (form) => [...form.querySelectorAll('input[name=policy]:checked')].map((input) => input.value);

const PolicyChoice = ({ given = [] }) => html`<fieldset><legend>Policies</legend><${Load} of="policies" get=${policyNames}>${(names) =>
  html`${[...new Set([...names, ...given])].map((name) => html`<${Check} label=${name} name="policy" value=${name} isOn=${given.includes(name)} />`)}`}<//></fieldset>`;

const NewPrincipal = ({ close }) => html`<${Dialog} title="New principal" close=${close}><${Form} submit="Create" cancel=${close} run=${async ({ name, description }, form) => {
  const principal = await post('/principals', { name, ...(description ? { description } : {}), policies: chosen(form) });
  close();
  say(`Created ${principal.name}.`);
  location.hash = link('principals', principal.name);
}}>
  <${Field} label="Name" name="name" required maxlength="128" pattern="[A-Za-z0-9._@\\-]+" autofocus />
  <${Field} label="Description" name="description" maxlength="1024" />
  <${PolicyChoice} />
<//><//>`;

export class Principals extends Component {
  state = { isNew: false };

  render({ query }, { isNew }) {
    return html`
      <${Heading} title="Principals"><button type="button" class="primary" onClick=${() => this.setState({ isNew: true })}>New principal</button><//>
      <section>
        <${Form} key=${query.prefix} label="Find principals" className="filter" submit="Find" kind="" run=${(fields) => { location.hash = '#/principals' + path([], fields).slice(1); }}>
          <${Field} label="Prefix" name="prefix" value=${query.prefix ?? ''} maxlength="128" />
        <//>
        <${Listing} of=${query.prefix} name="principals" empty="No principal matches. The administrator signs in by the token of the first start and is not one of them."
          page=${async (cursor) => { const page = await get(path(['principals'], { prefix: query.prefix, limit: 100, cursor })); return { items: page.principals, next: page.next_cursor }; }}>
          ${(items) => html`<${Table} caption="Principals" columns=${['Principal', 'State', 'Policies', 'Changed']} rows=${items.map((principal) => [
            html`<a href=${link('principals', principal.name)}>${principal.name}</a>${principal.description && html`<div class="quiet">${principal.description}</div>`}`,
            html`<${Badge} of=${principal.state} />`, principal.policies.map((name) => html`<span class="tag">${name}</span>`), html`<${Time} of=${principal.updated_at} />`,
          ])} />`}
        <//>
      </section>
      ${isNew && html`<${NewPrincipal} close=${() => this.setState({ isNew: false })} />`}`;
  }
}

/** A new token, which is seen once. */
class NewToken extends Component {
  state = { token: null };

  render({ name, close, done }, { token }) {
    const end = () => { close(); if (token) done(); };
    return html`<${Dialog} title=${token ? 'The new token' : 'New token'} close=${end}>${token ? html`
      <p>Store it now: it is not shown again, and the service does not have it.</p>
      <${Code} label="Token" text=${token.token} />
      <p class="quiet">It expires <${Time} of=${token.expires_at} />.</p>
      <div class="buttons"><button type="button" class="primary" onClick=${end}>I have stored it</button></div>`
    : html`<${Form} submit="Create" cancel=${end} run=${async ({ description, expires_in: life }) => {
      this.setState({ token: await post(of(name, 'tokens'), { ...(life ? { expires_in: life } : {}), ...(description ? { description } : {}) }) });
    }}>
      <${Field} label="Description" name="description" maxlength="1024" hint="Where it will be used" autofocus />
      <${Field} label="Expires in" name="expires_in" value="P90D" hint="An ISO 8601 duration, a year at most" />
    <//>`}<//>`;
  }
}

class Tokens extends Component {
  state = { isNew: false };

  render({ name }, { isNew }) {
    return html`<${Load} of=${name} get=${() => get(of(name, 'tokens'))}>${({ tokens }, reload) => html`<${Section} title="Tokens"
      actions=${html`<button type="button" onClick=${() => this.setState({ isNew: true })}>New token</button>`}>
      ${tokens.length === 0 ? html`<p class="quiet">It has none.</p>` : html`<${Table} caption="Tokens" columns=${['Token', 'Description', 'Created', 'Expires', 'Last used', '']} rows=${tokens.map((token) => [
        html`<code>${token.id}</code>`, token.description ?? '–', html`<${Time} of=${token.created_at} />`, html`<${Time} of=${token.expires_at} />`, html`<${Time} of=${token.last_used_at} />`,
        html`<${Action} kind="small danger" label=${`Revoke token ${token.id}`} run=${async () => {
          await call('DELETE', of(name, 'tokens', token.id));
          say('Revoked: within seconds nobody signs in by it.');
          await reload();
        }}>Revoke<//>`,
      ])} />`}
      ${isNew && html`<${NewToken} name=${name} done=${reload} close=${() => this.setState({ isNew: false })} />`}
    <//>`}<//>`;
  }
}

export class Principal extends Component {
  state = { isDeleting: false };

  render({ name }, { isDeleting }) {
    return html`<${Load} of=${name} get=${() => get(of(name))}>${(principal, _, update) => html`
      <${Heading} title=${principal.name}><${Badge} of=${principal.state} /><div class="row">
        ${principal.state === 'enabled'
          ? html`<${Action} run=${async () => { update(await post(of(name, 'disable'))); say('Disabled: it cannot sign in.'); }}>Disable<//>`
          : html`<${Action} run=${async () => { update(await post(of(name, 'enable'))); say('Enabled.'); }}>Enable<//>`}
        <button type="button" class="danger" onClick=${() => this.setState({ isDeleting: true })}>Delete</button>
      </div><//>
      <${Section} title="About"><${Facts} of=${[
        ['created', html`<${Time} of=${principal.created_at} />`], ['changed', html`<${Time} of=${principal.updated_at} />`],
        ['certificates', principal.certificates.length ? principal.certificates.map((san) => html`<div>${san}</div>`) : undefined],
        ['JWT', principal.jwt.length ? principal.jwt.map((jwt) => html`<div>${jwt.subject} of ${jwt.issuer}</div>`) : undefined],
        ['limits', principal.limits.length ? principal.limits.map((limit) => html`<div>${count(limit.count)} ${limit.of} in ${duration(limit.per)}</div>`) : undefined],
      ]} /><//>
      <${Section} title="Description and policies"><${Form} key=${principal.updated_at} submit="Save" run=${async ({ description }, form) => {
        update(await call('PATCH', of(name), { description: description || null, policies: chosen(form) }));
        say('Saved. It takes effect everywhere within seconds.');
      }}>
        <${Field} label="Description" name="description" value=${principal.description ?? ''} maxlength="1024" />
        <${PolicyChoice} given=${principal.policies} />
      <//><//>
      <${Tokens} name=${name} />
      ${isDeleting && html`<${TypedConfirmation} title="Delete principal" name=${name} submit="Delete" what="Its tokens are gone with it." close=${() => this.setState({ isDeleting: false })}
        run=${async () => { await call('DELETE', of(name)); say(`Deleted ${name}.`); location.hash = '#/principals'; }} />`}`}<//>`;
  }
}
