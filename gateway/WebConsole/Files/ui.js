// The parts that pages are made of.
import { html, Component, createRef } from './lib.js';
import { count, time, words } from './format.js';

let numbers = 0;
let notify = () => {};

/** Tells the user what has been done; screen readers say it. */
export const say = (text) => notify(text);

/** Says what came of a change: that it is done, or that it waits for others. */
export function tell(answer, text) {
  say(answer?.isPending
    ? `Nothing is done yet: the key's dual control needs ${answer.required} approval${answer.required === 1 ? '' : 's'}. See Approvals.`
    : text);
}

/** Where `say` says it. */
export class Notices extends Component {
  state = { text: '' };

  componentDidMount() {
    notify = (text) => {
      clearTimeout(this.end);
      this.setState({ text });
      this.end = setTimeout(() => this.setState({ text: '' }), 10_000);
    };
  }

  render() {
    return html`<div class="notices" role="status" aria-live="polite">${this.state.text && html`<p>${this.state.text}</p>`}</div>`;
  }
}

export const Failure = ({ error }) => error && html`<div class="failure" role="alert">
  <p>${error.message}</p>
  <p class="quiet">${error.code ?? 'error'}${error.requestId && html` · request <code>${error.requestId}</code>`}</p>
</div>`;

/** A button that runs something, says that it does, and shows why it could not. */
export class Action extends Component {
  state = { isBusy: false, error: null };

  run = async () => {
    if (this.state.isBusy) return;
    this.setState({ isBusy: true, error: null });
    let error = null;
    try {
      await this.props.run();
    } catch (e) {
      error = e;
    }

    if (!this.isGone) this.setState({ isBusy: false, error });
  };

  componentWillUnmount() {
    this.isGone = true;
  }

  render({ kind = '', label, children }, { isBusy, error }) {
    return html`<span class="action">
      <button type="button" class=${kind} onClick=${this.run} aria-label=${label} aria-disabled=${isBusy} aria-busy=${isBusy}>${children}</button>
      <${Failure} error=${error} />
    </span>`;
  }
}

/** A form whose fields go to `run` by their names. */
export class Form extends Component {
  state = { isBusy: false, error: null };

  submit = async (event) => {
    event.preventDefault();
    if (this.state.isBusy) return;
    const form = event.currentTarget;
    this.setState({ isBusy: true, error: null });
    let error = null;
    try {
      await this.props.run(Object.fromEntries(new FormData(form)), form);
    } catch (e) {
      error = e;
    }

    if (!this.isGone) this.setState({ isBusy: false, error });
  };

  componentWillUnmount() {
    this.isGone = true;
  }

  render({ children, submit, kind = 'primary', cancel, className = '', onInput, label, isReady = true }, { isBusy, error }) {
    return html`<form class=${className} onSubmit=${this.submit} onInput=${onInput} aria-label=${label}>
      ${children}
      <${Failure} error=${error} />
      <div class="buttons">
        <button type="submit" class=${kind} disabled=${!isReady} aria-disabled=${isBusy} aria-busy=${isBusy}>${submit}</button>
        ${cancel && html`<button type="button" onClick=${cancel}>Cancel</button>`}
      </div>
    </form>`;
  }
}

/** A field with its label, and a hint that belongs to it. */
export class Field extends Component {
  id = `f${++numbers}`;

  render({ label, hint, type = 'text', options, rows, children, className = '', ...attributes }) {
    const common = { id: this.id, 'aria-describedby': hint ? this.id + 'h' : undefined, ...attributes };
    const { value, ...others } = common;
    return html`<div class=${'field ' + className}>
      <label for=${this.id}>${label}</label>
      ${options ? html`<select ...${others}>${options.map(([name, text]) => html`<option value=${name} selected=${name === value}>${text}</option>`)}</select>`
      : rows ? html`<textarea rows=${rows} spellcheck=${false} autocomplete="off" ...${others} defaultValue=${value}></textarea>`
      : html`<input type=${type} spellcheck=${false} autocomplete="off" autocapitalize="off" ...${others} defaultValue=${value} />`}
      ${hint && html`<p class="hint" id=${this.id + 'h'}>${hint}</p>`}
      ${children}
    </div>`;
  }
}

export class Check extends Component {
  id = `f${++numbers}`;

  render({ label, isOn, ...attributes }) {
    return html`<div class="check"><input type="checkbox" id=${this.id} defaultChecked=${isOn} ...${attributes} /><label for=${this.id}>${label}</label></div>`;
  }
}

/** A dialog that keeps the focus, and gives it back to what opened it. */
export class Dialog extends Component {
  id = `d${++numbers}`;
  ref = createRef();
  opener = document.activeElement;

  componentDidMount() {
    this.ref.current.showModal();
  }

  componentWillUnmount() {
    const { opener } = this;
    setTimeout(() => (opener?.isConnected ? opener : document.querySelector('h1'))?.focus());
  }

  render({ title, close, children }) {
    return html`<dialog ref=${this.ref} aria-labelledby=${this.id} onClose=${close}><h2 id=${this.id}>${title}</h2>${children}</dialog>`;
  }
}

/** Asks for a name to be typed before something that cannot be taken back easily. */
export class TypedConfirmation extends Component {
  state = { typed: '' };

  render({ title, name, what, submit, run, close, children }, { typed }) {
    return html`<${Dialog} title=${title} close=${close}>
      <${Form} run=${run} submit=${submit} kind="danger" cancel=${close} isReady=${typed === name}>
        ${children}
        <${Field} label=${html`Type <code>${name}</code> to confirm`} name="confirmation" hint=${what} value="" required autofocus
          onInput=${(event) => this.setState({ typed: event.currentTarget.value })} />
      <//>
    <//>`;
  }
}

/** Loads when it is shown, and again when `of` changes. An answer counts only if it is of the latest turn. */
class Loading extends Component {
  turn = 0;

  componentDidMount() {
    this.load();
  }

  componentDidUpdate(before) {
    if (before.of !== this.props.of) this.load();
  }

  componentWillUnmount() {
    this.turn = -1;
  }
}

/** Loads something and shows it. */
export class Load extends Loading {
  state = { data: undefined, error: null };

  load = async () => {
    const turn = ++this.turn;
    try {
      const data = await this.props.get();
      if (turn === this.turn) this.setState({ data, error: null });
    } catch (error) {
      if (turn === this.turn) this.setState({ error });
    }
  };

  render({ children }, { data, error }) {
    if (error) return html`<${Failure} error=${error} />`;
    return data === undefined ? html`<p class="quiet" role="status">Loading …</p>` : children(data, this.load, (changed) => this.setState({ data: changed }));
  }
}

/** A list by pages. */
export class Listing extends Loading {
  state = { items: null, next: null, error: null, isBusy: false };

  load = async (cursor = null) => {
    const turn = ++this.turn;
    this.setState({ isBusy: true, error: null });
    try {
      const { items, next } = await this.props.page(cursor);
      if (turn !== this.turn) return;
      this.setState((state) => ({ items: cursor ? [...state.items, ...items] : items, next, isBusy: false }));
    } catch (error) {
      if (turn === this.turn) this.setState({ error, isBusy: false });
    }
  };

  reload = () => this.load();

  render({ children, name, empty }, { items, next, error, isBusy }) {
    const noun = items?.length === 1 && !next ? name.replace(/ies$/, 'ys').slice(0, -1) : name;
    return html`
      <${Failure} error=${error} />
      <p class="quiet" role="status">${items === null ? (error ? '' : 'Loading …') : `${count(items.length)}${next ? ' and more' : ''} ${noun}`}</p>
      ${items !== null && (items.length ? children(items, this.reload) : html`<p class="empty">${empty}</p>`)}
      ${next && html`<p><button type="button" onClick=${() => this.load(next)} aria-disabled=${isBusy} aria-busy=${isBusy}>Show more</button></p>`}`;
  }
}

/** A table; on a narrow screen each row is a block, with the roles that browsers would then take from it. */
export const Table = ({ caption, columns, rows }) => html`<table role="table">
  <caption class="unseen">${caption}</caption>
  <thead role="rowgroup"><tr role="row">${columns.map((name) => html`<th scope="col" role="columnheader">${name || html`<span class="unseen">Actions</span>`}</th>`)}</tr></thead>
  <tbody role="rowgroup">${rows.map((cells) => html`<tr role="row">${cells.map((cell, i) => i === 0
    ? html`<th scope="row" role="rowheader">${cell}</th>`
    : html`<td role="cell" data-label=${columns[i]}>${cell}</td>`)}</tr>`)}</tbody>
</table>`;

const kinds = {
  enabled: 'good', healthy: 'good', current: 'good', executed: 'good', ok: 'good', allowed: 'good', verified: 'good',
  disabled: 'warn', pending: 'warn', pending_import: 'warn', pending_deletion: 'warn', pending_destruction: 'warn', retiring: 'warn', new: 'warn',
  destroyed: 'bad', unhealthy: 'bad', rejected: 'bad', failed: 'bad', refused: 'bad', broken: 'bad',
};

export const Badge = ({ of }) => html`<span class=${'badge ' + (kinds[of] ?? '')}>${words(of)}</span>`;

export const Time = ({ of }) => (of ? html`<time datetime=${of}>${time(of)}</time>` : '–');

/** Names and values. */
export const Facts = ({ of }) => html`<dl class="facts">${of.filter(([, value]) => value !== undefined).map(([name, value]) =>
  html`<div><dt>${name}</dt><dd>${value ?? '–'}</dd></div>`)}</dl>`;

/** Text to take along. */
export class Code extends Component {
  ref = createRef();

  copy = async () => {
    try {
      await navigator.clipboard.writeText(this.props.text);
      say('Copied.');
    } catch {
      getSelection().selectAllChildren(this.ref.current);
      say('Selected: copy it with the keyboard.');
    }
  };

  render({ text, label }) {
    return html`<div class="code" role="group" aria-label=${label}>
      <pre tabindex="0" ref=${this.ref}><code>${text}</code></pre>
      <button type="button" onClick=${this.copy} aria-label=${'Copy: ' + label}>Copy</button>
    </div>`;
  }
}

/** A part of a page. */
export const Section = ({ title, children, actions }) => html`<section>
  <div class="heading"><h2>${title}</h2>${actions}</div>${children}
</section>`;

export const Heading = ({ title, children }) => html`<div class="heading"><h1 tabindex="-1">${title}</h1>${children}</div>`;

export const link = (...parts) => '#/' + parts.map(encodeURIComponent).join('/');
