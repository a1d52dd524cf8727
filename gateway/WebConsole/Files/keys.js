// Keys by prefix and state, and new ones.
import { html, Component } from './lib.js';
import { get, path, post } from './api.js';
import { Badge, Check, Dialog, Field, Form, Heading, Listing, Table, Time, link, tell } from './ui.js';
import { count, totalUses, words } from './format.js';
import { specs } from './facts.js';

const states = ['enabled', 'disabled', 'pending_import', 'pending_deletion', 'destroyed'];
const PageSize = 50;
// Of keys that match a search there may be few among many; one click looks at so many pages.
const PagesAtOnce = 10;

/** Whether a key is searched for: by its id, its description and its tags. */
function matches(key, { state, search }) {
  if (state && key.state !== state) return false;
  if (!search) return true;
  const text = [key.id, key.description ?? '', ...Object.entries(key.tags ?? {}).flat()].join('\n').toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

async function find(query, cursor) {
  const items = [];
  let next = cursor;
  for (let i = 0; i < PagesAtOnce; i++) {
    const page = await get(path(['keys'], {
      prefix: query.prefix, limit: PageSize, cursor: next, describe: true, destroyed: query.state === 'destroyed',
    }));
    items.push(...page.keys.filter((key) => matches(key, query)));
    next = page.next_cursor;
    if (!next || items.length >= PageSize) break;
  }

  return { items, next };
}

const row = (key) => key.error
  ? [html`<a href=${link('keys', key.id)}>${key.id}</a>`, html`<${Badge} of="failed" />`, key.error.detail, '', '', '']
  : [
    html`<a href=${link('keys', key.id)}>${key.id}</a>${key.description && html`<div class="quiet">${key.description}</div>`}`,
    html`<${Badge} of=${key.state} />`, html`<span class="mono">${key.spec}</span>`, key.primary_version, count(totalUses(key.uses)),
    html`<${Time} of=${key.uses.last_used_at} />`,
  ];

class NewKey extends Component {
  state = { spec: specs[0].name };

  create = async (fields) => {
    const rotation = { ...(fields.every ? { every: fields.every } : {}), ...(fields.after_uses ? { after_uses: Number(fields.after_uses) } : {}) };
    const key = await post('/keys', {
      ...(fields.id ? { id: fields.id } : {}), spec: fields.spec, usage: fields.usage, protection: fields.protection,
      ...(fields.description ? { description: fields.description } : {}),
      ...(Object.keys(rotation).length ? { rotation } : {}), ...(fields.exportable ? { exportable: true } : {}),
    });
    this.props.close();
    tell(key, `Created ${key.id}.`);
    location.hash = link('keys', key.id);
  };

  render({ close }, { spec }) {
    const { usages } = specs.find((row) => row.name === spec);
    return html`<${Dialog} title="New key" close=${close}><${Form} submit="Create" cancel=${close} run=${this.create}>
      <${Field} label="Id" name="id" maxlength="128" pattern="[A-Za-z0-9_]([A-Za-z0-9._\\-]*[A-Za-z0-9_])?" autofocus
        hint="Dots make namespaces: payments.eu.cards. An id is never used again. Empty for a generated one." />
      <${Field} label="Spec" name="spec" value=${spec} options=${specs.map(({ name }) => [name, name])} onChange=${(event) => this.setState({ spec: event.currentTarget.value })} />
      <${Field} key=${spec} label="Usage" name="usage" value=${usages[0]} options=${usages.map((usage) => [usage, words(usage)])} />
      <${Field} label="Protection" name="protection" value="software" options=${[['software', 'software'], ['hsm', 'HSM']]} />
      <${Field} label="Description" name="description" maxlength="1024" />
      <div class="filter">
        <${Field} label="Rotate every" name="every" placeholder="P90D" pattern="P(\\d+D)?(T(\\d+H)?(\\d+M)?(\\d+S)?)?" hint="An ISO 8601 duration" />
        <${Field} label="Rotate after uses" name="after_uses" type="number" min="1" hint="of one version" />
      </div>
      <${Check} label="Exportable: whoever may export it gets the material, wrapped" name="exportable" value="true" />
    <//><//>`;
  }
}

export class Keys extends Component {
  state = { isNew: false };

  search = (fields) => {
    location.hash = '#/keys' + path([], fields).slice(1);
  };

  render({ query }, { isNew }) {
    const of = JSON.stringify(query);
    return html`
      <${Heading} title="Keys"><button type="button" class="primary" onClick=${() => this.setState({ isNew: true })}>New key</button><//>
      <section>
        <${Form} key=${of} label="Find keys" className="filter" submit="Find" kind="" run=${this.search}>
          <${Field} label="Prefix" name="prefix" value=${query.prefix ?? ''} placeholder="payments." maxlength="128" />
          <${Field} label="State" name="state" value=${query.state ?? ''} options=${[['', 'any, but destroyed'], ...states.map((state) => [state, words(state)])]} />
          <${Field} label="Search" name="search" value=${query.search ?? ''} placeholder="id, description, tag" />
        <//>
        <${Listing} of=${of} name="keys" empty="No key matches." page=${(cursor) => find(query, cursor)}>
          ${(items) => html`<${Table} caption="Keys" columns=${['Key', 'State', 'Spec', 'Version', 'Uses', 'Last used']} rows=${items.map(row)} />`}
        <//>
      </section>
      ${isNew && html`<${NewKey} close=${() => this.setState({ isNew: false })} />`}`;
  }
}
