// The shell: who is signed in, which page the address names, and where the focus goes.
import { html, render, Component } from './lib.js';
import { onEnd, signIn, signOut, whoAmI } from './api.js';
import { Action, Failure, Field, Form, Notices } from './ui.js';
import { Keys } from './keys.js';
import { Key } from './key.js';
import { Principal, Principals } from './principals.js';
import { Policies, Policy } from './policies.js';
import { Approvals } from './approvals.js';
import { Audit } from './audit.js';
import { Cluster } from './cluster.js';

const areas = [['keys', 'Keys'], ['approvals', 'Approvals'], ['principals', 'Principals'], ['policies', 'Policies'], ['audit', 'Audit'], ['cluster', 'Cluster']];

/** The page of an address: `#/area/name/part?query`. */
function route() {
  const [path, query = ''] = location.hash.slice(1).split('?');
  let parts = [];
  try {
    parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    // An address that nobody has made here.
  }

  return { area: parts[0] ?? 'keys', name: parts[1], part: parts[2], query: Object.fromEntries(new URLSearchParams(query)) };
}

function page({ area, name, part, query }, who) {
  switch (area) {
    case 'keys': return name ? html`<${Key} key=${name} id=${name} part=${part ?? 'overview'} who=${who} />` : html`<${Keys} query=${query} />`;
    case 'principals': return name ? html`<${Principal} key=${name} name=${name} />` : html`<${Principals} query=${query} />`;
    case 'policies': return name ? html`<${Policy} key=${name} name=${name} />` : html`<${Policies} who=${who} />`;
    case 'approvals': return html`<${Approvals} query=${query} who=${who} />`;
    case 'audit': return html`<${Audit} query=${query} />`;
    case 'cluster': return html`<${Cluster} />`;
    default: return html`<h1 tabindex="-1">There is nothing here</h1><p><a href="#/keys">To the keys</a></p>`;
  }
}

const Brand = () => html`<a class="brand" href="#/keys"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#2450b8" /><circle
  cx="12" cy="16" r="5" fill="none" stroke="#fff" stroke-width="3" /><path d="M17 16h9m-3 0v4" fill="none" stroke="#fff" stroke-width="3"
  stroke-linecap="round" /></svg>OrleansKms</a>`;

async function enterByCertificate(done) {
  if (!await whoAmI(true)) throw new Error('This browser has shown no client certificate of a principal.');
  await done(true);
}

const SignIn = ({ hasEnded, done }) => html`<main id="main"><div class="card signin">
  <h1 tabindex="-1">Sign in</h1>
  ${hasEnded && html`<p role="status">Your session has ended.</p>`}
  <${Form} submit="Sign in" run=${async ({ token }) => { await signIn(token.trim()); await done(); }}>
    <${Field} label="Token" name="token" type="password" required autofocus
      hint="An API token, or the administrator's token. The session ends after 30 minutes without use, and after 8 hours in any case." />
  <//>
  ${location.protocol === 'https:' && html`<p><${Action} run=${() => enterByCertificate(done)}>Use a client certificate<//></p>`}
</div></main>`;

class Console extends Component {
  state = { who: undefined, hasEnded: false, error: null, route: route() };

  componentDidMount() {
    addEventListener('hashchange', () => this.go());
    onEnd(() => this.setState((state) => ({ who: null, hasEnded: state.hasEnded || Boolean(state.who) })));
    this.enter();
  }

  componentDidUpdate(_, before) {
    const { route: now, who } = this.state;
    const heading = document.querySelector('h1');
    document.title = `${heading?.textContent ?? 'Console'} – OrleansKms`;
    // Whoever reads by ear starts at the heading of the new page; whoever opens the console starts at its top.
    const isNew = before.route.area !== now.area || before.route.name !== now.name || before.route.part !== now.part;
    if (isNew || (before.who === null && who)) {
      heading?.focus();
      scrollTo(0, 0);
    }
  }

  go() {
    this.setState({ route: route() });
  }

  enter = async (byCertificate = false) => {
    try {
      this.setState({ who: await whoAmI(byCertificate), hasEnded: false, error: null });
    } catch (error) {
      this.setState({ error });
    }
  };

  leave = async () => {
    await signOut();
    this.setState({ hasEnded: false });
  };

  render(_, { who, hasEnded, error, route: now }) {
    if (error) return html`<main id="main"><h1 tabindex="-1">The console cannot start</h1><${Failure} error=${error} /><p><button type="button" onClick=${() => this.enter()}>Try again</button></p></main>`;
    if (who === undefined) return html`<main id="main"><p class="quiet" role="status">Loading …</p></main>`;
    if (who === null) return html`<header class="top"><div><${Brand} /></div></header><${SignIn} hasEnded=${hasEnded} done=${this.enter} />`;
    return html`
      <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.querySelector('h1')?.focus(); }}>To the content</a>
      <header class="top"><div>
        <${Brand} />
        <nav aria-label="Console"><ul>${areas.map(([area, text]) =>
          html`<li><a href=${'#/' + area} aria-current=${now.area === area ? 'page' : undefined}>${text}</a></li>`)}</ul></nav>
        <div class="who"><span title=${`${who.principal} by ${who.credential}`}>${who.principal}</span><button type="button" class="small" onClick=${this.leave}>Sign out</button></div>
      </div></header>
      <main id="main">${page(now, who)}</main>
      <${Notices} />`;
  }
}

render(html`<${Console} />`, document.getElementById('console'));
