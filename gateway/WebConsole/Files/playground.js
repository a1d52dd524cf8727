// Operations of a key to try, each beside the command that does the same.
import { html, Component } from './lib.js';
import { path, post } from './api.js';
import { Badge, Code, Field, Form, Section } from './ui.js';
import { curl, textOf, utf8ToBase64 } from './format.js';

/** Bytes that somebody has typed, as text or as base64. */
const bytes = (text, form) => (form === 'base64' ? text.trim() : utf8ToBase64(text));

const withoutEmpty = (body) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== '' && value !== undefined));

const forms = [['text', 'text'], ['base64', 'base64']];

/** One operation. */
class Try extends Component {
  state = { fields: this.props.start ?? {}, answer: null };

  note = (event) => this.setState({ fields: Object.fromEntries(new FormData(event.currentTarget)) });

  run = async (fields) => {
    this.setState({ answer: null });
    const answer = await post(this.props.path, this.props.body(fields));
    this.setState({ answer });
    this.props.done?.(answer);
  };

  /** The command; what cannot be sent yet has none. */
  command(fields) {
    try {
      return curl('POST', this.props.path, this.props.body(fields));
    } catch (error) {
      return error.message;
    }
  }

  render({ title, submit, children, show }, { fields, answer }) {
    return html`<${Section} title=${title}>
      <${Form} submit=${submit} label=${title} onInput=${this.note} run=${this.run}>${children}<//>
      ${answer && html`<div role="status">${show(answer)}</div>`}
      <details><summary>The same with curl</summary><${Code} label=${`curl: ${title}`} text=${this.command(fields)} /></details>
    <//>`;
  }
}

const Bytes = ({ label, name, rows = '3', ...others }) => html`
  <${Field} label=${label} name=${name} rows=${rows} ...${others} />
  <${Field} label=${`${label} is given as`} name=${name + '_form'} value="text" options=${forms} />`;

const Associated = () => html`<${Field} label="Associated data" name="associated_data" hint="Optional text that is not stored: decryption needs the same." />`;

const Algorithm = ({ of: { algorithms } }) => algorithms?.length > 1
  && html`<${Field} label="Algorithm" name="algorithm" value=${algorithms[0]} options=${algorithms.map((name) => [name, name])} />`;

const Plain = ({ of: base64 }) => {
  const text = textOf(base64);
  return html`${text !== null && html`<p>As text:</p><${Code} label="Plaintext" text=${text} />`}<p>As base64:</p><${Code} label="Plaintext in base64" text=${base64} />`;
};

class Encryption extends Component {
  state = { ciphertext: '' };

  render({ of: key, done }, { ciphertext }) {
    // RSA authenticates none; which of its algorithms there are depends on where the key is.
    const hasAssociated = !key.spec.startsWith('RSA');
    const algorithm = (fields) => (key.algorithms ? fields.algorithm ?? key.algorithms[0] : '');
    const associated = ({ associated_data: text }) => (text ? utf8ToBase64(text) : '');
    return html`<div class="two">
      <${Try} title="Encrypt" submit="Encrypt" path=${path(['keys', key.id, 'encrypt'])}
        body=${(fields) => withoutEmpty({ plaintext: bytes(fields.plaintext ?? '', fields.plaintext_form), associated_data: associated(fields), algorithm: algorithm(fields) })}
        done=${(answer) => { this.setState({ ciphertext: answer.ciphertext }); done(); }}
        show=${(answer) => html`<p>Ciphertext, by version ${answer.key_version}:</p><${Code} label="Ciphertext" text=${answer.ciphertext} />`}>
        <${Bytes} label="Plaintext" name="plaintext" required />${hasAssociated && html`<${Associated} />`}<${Algorithm} of=${key} />
      <//>
      <${Try} key=${ciphertext} start=${{ ciphertext }} title="Decrypt" submit="Decrypt" path=${path(['keys', key.id, 'decrypt'])}
        body=${(fields) => withoutEmpty({ ciphertext: (fields.ciphertext ?? '').trim(), associated_data: associated(fields) })} done=${done}
        show=${(answer) => html`<${Plain} of=${answer.plaintext} /><p class="quiet">${answer.kind}, encrypted by version ${answer.key_version}</p>`}>
        <${Field} label="Ciphertext" name="ciphertext" rows="5" required value=${ciphertext} hint="Base64. What you encrypt here arrives here." />${hasAssociated && html`<${Associated} />`}
      <//>
    </div>`;
  }
}

class Signing extends Component {
  state = { signature: '' };

  render({ of: key, done }, { signature }) {
    const what = (fields) => ({
      message: bytes(fields.message ?? '', fields.message_form), algorithm: fields.algorithm ?? key.algorithms?.[0], context: fields.context ? utf8ToBase64(fields.context) : '',
    });
    const fields = html`<${Bytes} label="Message" name="message" />
      <${Algorithm} of=${key} />
      ${/^(ML_DSA|SLH_DSA)/.test(key.spec) && html`<${Field} label="Context" name="context" hint="Optional text" />`}`;
    return html`<div class="two">
      <${Try} title="Sign" submit="Sign" path=${path(['keys', key.id, 'sign'])} body=${(given) => withoutEmpty(what(given))}
        done=${(answer) => { this.setState({ signature: answer.signature }); done(); }}
        show=${(answer) => html`<p>${answer.algorithm}, by version ${answer.key_version}:</p><${Code} label="Signature" text=${answer.signature} />`}>${fields}<//>
      <${Try} key=${signature} start=${{ signature }} title="Verify" submit="Verify" path=${path(['keys', key.id, 'verify'])}
        body=${(given) => withoutEmpty({ ...what(given), signature: (given.signature ?? '').trim() })} done=${done} show=${Verdict}>
        ${fields}<${Field} label="Signature" name="signature" rows="4" required value=${signature} hint="Base64" /><//>
    </div>`;
  }
}

const Verdict = (answer) => html`<p><${Badge} of=${answer.valid ? 'verified' : 'refused'} />${' '}${answer.valid ? `It is valid: version ${answer.key_version} made it.` : 'It is not valid.'}</p>`;

class Macs extends Component {
  state = { mac: '' };

  render({ of: key, done }, { mac }) {
    const message = (fields) => bytes(fields.message ?? '', fields.message_form);
    return html`<div class="two">
      <${Try} title="Make a MAC" submit="Make" path=${path(['keys', key.id, 'mac'])} body=${(fields) => ({ message: message(fields) })}
        done=${(answer) => { this.setState({ mac: answer.mac }); done(); }}
        show=${(answer) => html`<p>By version ${answer.key_version}:</p><${Code} label="MAC" text=${answer.mac} />`}><${Bytes} label="Message" name="message" /><//>
      <${Try} key=${mac} start=${{ mac }} title="Verify a MAC" submit="Verify" path=${path(['keys', key.id, 'mac', 'verify'])}
        body=${(fields) => ({ message: message(fields), mac: (fields.mac ?? '').trim() })} done=${done} show=${Verdict}>
        <${Bytes} label="Message" name="message" /><${Field} label="MAC" name="mac" required value=${mac} hint="Base64" /><//>
    </div>`;
  }
}

const Derivation = ({ of: key, done }) => html`<${Try} title="Derive" submit="Derive" path=${path(['keys', key.id, 'derive'])} done=${done}
  start=${{ bytes: '32' }} body=${(fields) => withoutEmpty({ context: fields.context ? utf8ToBase64(fields.context) : '', bytes: Number(fields.bytes) })}
  show=${(answer) => html`<p>By version ${answer.key_version}:</p><${Code} label="Derived" text=${answer.derived} />`}>
  <${Field} label="Context" name="context" required hint="Text; the same gives the same" /><${Field} label="Bytes" name="bytes" type="number" min="1" max="1024" value="32" />
<//>`;

const exampleClaims = () => JSON.stringify({ sub: 'somebody', exp: Math.floor(Date.now() / 1000) + 300 }, null, 2);

/** Claims that somebody has typed, or what is wrong with them. */
function readClaims(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}`);
  }
}

class Jws extends Component {
  claims = exampleClaims();

  render({ of: key, done }) {
    return html`<${Try} title="Sign a token" submit="Sign" path=${path(['keys', key.id, 'jws'])} start=${{ claims: this.claims }} done=${done}
      body=${(fields) => withoutEmpty({ claims: readClaims(fields.claims ?? '{}'), typ: fields.typ })}
      show=${(answer) => html`<p>By version ${answer.key_version}:</p><${Code} label="JWS" text=${answer.jws} />`}>
      <${Field} label="Claims" name="claims" rows="6" required value=${this.claims} hint="A JSON object" /><${Field} label="Type" name="typ" placeholder="JWT" />
    <//>`;
  }
}

const byUsage = { encrypt_decrypt: Encryption, sign_verify: Signing, mac: Macs, derive: Derivation, jws: Jws };

export const Playground = ({ of: key, done }) => {
  const Form = byUsage[key.usage];
  return Form ? html`
    <p class="quiet">What you do here happens: it is counted, judged by policies and recorded in the audit trail as your own.</p>
    <${Form} of=${key} done=${done} />`
    : html`<${Section} title="Try it"><p>A key of this usage needs another party. <a href="/docs" target="_blank" rel="noopener">The reference</a> describes its operations.</p><//>`;
};
