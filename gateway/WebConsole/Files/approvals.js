// What waits for others, or waited.
import { html } from './lib.js';
import { get, path, post } from './api.js';
import { Action, Badge, Facts, Field, Form, Heading, Listing, Time, link, say } from './ui.js';
import { words } from './format.js';

const states = ['pending', 'executed', 'rejected', 'cancelled', 'expired', 'failed'];

const Approval = ({ of, reload, who }) => {
  const command = (name, text, done, kind = '') => html`<${Action} kind=${kind} label=${`${text}: ${of.operation} of ${of.key_id}`} run=${async () => {
    const now = await post(path(['approvals', of.approval_id, name]));
    say(now.state === 'executed' ? 'It was the last approval: the operation is carried out.' : done);
    await reload();
  }}>${text}<//>`;
  return html`<section>
    <div class="heading"><h2>${words(of.operation)}: <a href=${link('keys', of.key_id)}>${of.key_id}</a></h2><${Badge} of=${of.state} /></div>
    <${Facts} of=${[
      ['asked by', of.requested_by], ['asked', html`<${Time} of=${of.requested_at} />`], ['action', html`<code>${of.action}</code>`],
      ['expires', of.state === 'pending' ? html`<${Time} of=${of.expires_at} />` : undefined],
      ['approvals', `${of.approvals.length} of ${of.required}${of.approvals.length ? ': ' + of.approvals.map((given) => given.principal).join(', ') : ''}`],
      ['decided', of.decided_at ? html`<${Time} of=${of.decided_at} />${of.decided_by && html`<div>by ${of.decided_by}</div>`}` : undefined],
      ['why', of.error?.detail ?? of.reason],
    ]} />
    ${Object.keys(of.arguments).length > 0 && html`<h3>Arguments</h3><pre class="pre">${JSON.stringify(of.arguments, null, 2)}</pre>`}
    ${of.state === 'pending' && html`<div class="buttons">
      ${of.requested_by === who.principal ? command('cancel', 'Withdraw', 'Withdrawn.')
        : [command('approve', 'Approve', 'Approved.', 'primary'), command('reject', 'Reject', 'Rejected: that ends it.', 'danger')]}
    </div>`}
  </section>`;
};

export const Approvals = ({ query, who }) => {
  const { state = 'pending', key = '' } = query;
  return html`
    <${Heading} title="Approvals" />
    <section><${Form} key=${state + key} label="Find approvals" className="filter" submit="Find" kind="" run=${(fields) => { location.hash = '#/approvals?' + new URLSearchParams(fields); }}>
      <${Field} label="State" name="state" value=${state} options=${[['', 'any'], ...states.map((name) => [name, name])]} />
      <${Field} label="Key" name="key" value=${key} />
    <//></section>
    <${Listing} of=${state + '/' + key} name="approvals" empty="Nothing waits here."
      page=${async (cursor) => { const page = await get(path(['approvals'], { state, key, limit: 50, cursor })); return { items: page.approvals, next: page.next_cursor }; }}>
      ${(items, reload) => items.map((approval) => html`<${Approval} key=${approval.approval_id} of=${approval} reload=${reload} who=${who} />`)}
    <//>`;
};
