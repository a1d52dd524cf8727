// Who did what, and whether the trail holds together.
import { html } from './lib.js';
import { get, path } from './api.js';
import { Badge, Code, Field, Form, Heading, Listing, Load, Section, Table, Time, link } from './ui.js';
import { count } from './format.js';
import { actions } from './facts.js';

const fields = ['key', 'principal', 'action', 'outcome', 'from', 'to'];

const Record = ({ of }) => html`<details><summary aria-label=${`Record ${count(of.sequence)}`}>${count(of.sequence)}</summary><pre class="pre">${JSON.stringify(of, null, 2)}</pre></details>`;

const Logs = () => html`<${Section} title="Logs and their checkpoints">
  <p class="quiet">Each silo signs its own log. A key's History page proves that key's changes; <code>okms audit verify</code> and <code>okms audit prove</code>, which have the logs themselves, prove the rest.</p>
  <${Load} of="logs" get=${() => get('/audit/logs')}>${({ logs }) => logs.length === 0 ? html`<p class="empty">There is no log.</p>`
    : html`<${Table} caption="Logs" columns=${['Silo', 'Records signed', 'Searchable', 'Signed', 'Checkpoint']} rows=${logs.map((log) => [
      html`${log.silo}<div class="quiet"><code>${log.log}</code></div>`, count(log.size), html`${count(log.copied)} ${log.copied < log.size && html`<${Badge} of="pending" />`}`,
      html`<${Time} of=${log.signed_at} />`,
      html`<details><summary>Show</summary><${Code} label=${`Checkpoint of ${log.silo}`} text=${log.checkpoint} /><${Code} label=${`Verifier key of ${log.silo}`} text=${log.key} /></details>`,
    ])} />`}<//><//>`;

export const Audit = ({ query }) => {
  const given = Object.fromEntries(fields.map((name) => [name, query[name]]));
  const of = JSON.stringify(given);
  return html`
    <${Heading} title="Audit" />
    <section>
      <${Form} key=${of} label="Search the audit trail" className="filter" submit="Search" kind="" run=${(values) => { location.hash = '#/audit' + path([], values).slice(1); }}>
        <${Field} label="Key" name="key" value=${query.key ?? ''} />
        <${Field} label="Principal" name="principal" value=${query.principal ?? ''} />
        <${Field} label="Action" name="action" value=${query.action ?? ''} list="audited" placeholder="keys:decrypt" />
        <${Field} label="Outcome" name="outcome" value=${query.outcome ?? ''} placeholder="ok, or a code" />
        <${Field} label="From" name="from" value=${query.from ?? ''} placeholder="2026-01-31T12:00:00Z" />
        <${Field} label="Until" name="to" value=${query.to ?? ''} placeholder="2026-02-01T12:00:00Z" />
        <datalist id="audited">${actions.map((name) => html`<option value=${name}></option>`)}</datalist>
      <//>
      <${Listing} of=${of} name="records" empty="No record matches."
        page=${async (cursor) => { const page = await get(path(['audit'], { ...given, limit: 50, cursor })); return { items: page.records, next: page.next_cursor }; }}>
        ${(records) => html`<${Table} caption="Records" columns=${['Time', 'Principal', 'Action', 'Key', 'Outcome', 'From', 'Record']} rows=${records.map((record) => [
          html`<${Time} of=${record.time} />`, html`${record.principal}${record.credential && html`<div class="quiet">${record.credential}</div>`}`,
          html`<code>${record.action}</code>`, record.key_id ? html`<a href=${link('keys', record.key_id)}>${record.key_id}</a>` : '–',
          record.outcome === 'ok' ? html`<${Badge} of="ok" />` : html`<code>${record.outcome}</code>`, record.source, html`<${Record} of=${record} />`,
        ])} />`}
      <//>
    </section>
    <${Logs} />`;
};
