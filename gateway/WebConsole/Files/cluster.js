// The installation: its parts, its silos and its key-encryption keys.
import { html, Component } from './lib.js';
import { get, hasDashboard, health, post } from './api.js';
import { Action, Badge, Dialog, Form, Heading, Load, Section, Table, Time, say } from './ui.js';
import { count } from './format.js';

const Health = () => html`<${Load} of="health" get=${health}>${(answer, reload) => html`<${Section} title="Health"
  actions=${html`<${Action} run=${reload}>Look again<//>`}>
  <p><${Badge} of=${answer.status} /></p>
  <${Table} caption="Parts" columns=${['Part', 'State']} rows=${Object.entries(answer.checks ?? {}).map(([name, state]) => [name, html`<${Badge} of=${state} />`])} />
  ${answer.problems?.map((problem) => html`<p class="failure">${problem}</p>`)}<//>`}<//>`;

const Silos = () => html`<${Section} title="Silos"><${Load} of="silos" get=${() => get('/audit/logs')}>${({ logs }) => logs.length === 0 ? html`<p class="quiet">None has a log.</p>`
  : html`<${Table} caption="Silos" columns=${['Silo', 'Last checkpoint']} rows=${[...new Map([...logs].reverse().map((log) => [log.silo, log])).values()].map((log) => [
    log.silo, html`<${Time} of=${log.signed_at} />`])} />`}<//>
  <p class="quiet">As the logs of the audit trail know them, gone ones too. ${hasDashboard()
    ? html`<a href="/dashboard/" target="_blank" rel="noopener">The dashboard</a> has silos and activations as they are; it asks for your token once more, as the password.`
    : 'The Orleans Dashboard, where it is on, has silos and activations as they are, for whom policy lets.'}</p><//>`;

const Progress = ({ of }) => {
  const whole = of.rows_done + of.rows_left;
  return html`<progress max=${Math.max(1, whole)} value=${whole ? of.rows_done : 1} aria-label="Resealed rows"></progress>
    <div class="quiet">${count(of.rows_done)} of ${count(whole)} rows${of.rows_left > 0 && `, ${of.rows_per_second} a second`}</div>`;
};

class Keks extends Component {
  state = { isRotating: false };

  render(_, { isRotating }) {
    const close = () => this.setState({ isRotating: false });
    return html`<${Load} of="keks" get=${() => get('/admin/keks')}>${({ keks }, reload) => html`<${Section} title="Key-encryption keys"
      actions=${html`<div class="row"><${Action} run=${reload}>Look again<//><button type="button" onClick=${() => this.setState({ isRotating: true })}>Rotate</button></div>`}>
      <${Table} caption="Key-encryption keys" columns=${['KEK', 'State', 'Created', 'Rows', 'Resealing']} rows=${[...keks].reverse().map((kek) => [
        html`<code>${kek.id}</code>`, html`<${Badge} of=${kek.state} />`, html`<${Time} of=${kek.created_at} />`, count(kek.rows),
        kek.resealing ? html`<${Progress} of=${kek.resealing} />` : kek.waits_for?.length ? `waits for ${kek.waits_for.join(', ')}` : '–',
      ])} />
      ${isRotating && html`<${Dialog} title="Rotate the key-encryption key" close=${close}><${Form} submit="Rotate" cancel=${close} run=${async () => {
        await post('/admin/keks/rotate');
        close();
        say('There is a new key-encryption key. All rows are being resealed under it.');
        await reload();
      }}><p>A new key-encryption key is made, and every stored row is sealed anew under it, in the background. Keys, ciphertexts and callers notice nothing.</p><//><//>`}
    <//>`}<//>`;
  }
}

export const Cluster = () => html`
  <${Heading} title="Cluster"><div class="row">
    ${hasDashboard() && html`<a class="button" href="/dashboard/" target="_blank" rel="noopener">Dashboard</a>`}
    <a class="button" href="/docs" target="_blank" rel="noopener">HTTP reference</a>
  </div><//>
  <div class="two"><${Health} /><${Silos} /></div>
  <${Keks} />`;
