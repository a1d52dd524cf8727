// How often a key is used now, as a chart that goes on while somebody looks at it.
import { html, Component, createRef } from './lib.js';
import { get, isWatched, path } from './api.js';
import { count, totalUses } from './format.js';

// Each reading is a call, which the audit trail records.
const Every = 5000;
const MaxPoints = 120;
const Height = 190;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Rate extends Component {
  state = { isOn: true, now: null };
  ref = createRef();
  times = [];
  rates = [];
  dark = matchMedia('(prefers-color-scheme: dark)');

  async componentDidMount() {
    this.note(this.props.of);
    this.timer = setInterval(this.read, Every);
    this.dark.addEventListener('change', this.draw);
    const file = new URL('./vendor/uPlot.min.css', import.meta.url).href;
    if (!document.querySelector(`link[href="${CSS.escape(file)}"]`)) {
      document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: file }));
    }

    this.Plot = (await import('./vendor/uPlot.esm.js')).default;
    if (this.isGone) return;
    this.size = new ResizeObserver(() => this.plot?.setSize({ width: this.ref.current.clientWidth, height: Height }));
    this.size.observe(this.ref.current);
    this.draw();
  }

  componentWillUnmount() {
    this.isGone = true;
    clearInterval(this.timer);
    this.size?.disconnect();
    this.dark.removeEventListener('change', this.draw);
    this.plot?.destroy();
  }

  read = async () => {
    if (!this.state.isOn || !isWatched() || this.isReading) return;
    this.isReading = true;
    try {
      const key = await get(path(['keys', this.props.of.id]));
      if (this.isGone) return;
      this.note(key);
      this.props.update(key);
    } catch {
      // The next reading may succeed; the page itself says what is wrong.
    } finally {
      this.isReading = false;
    }
  };

  note(key) {
    const [at, total] = [Date.now() / 1000, totalUses(key.uses)];
    if (this.last) {
      const rate = Math.max(0, total - this.last.total) / Math.max(0.001, at - this.last.at);
      this.times.push(at);
      this.rates.push(rate);
      if (this.times.length > MaxPoints) [this.times, this.rates] = [this.times.slice(-MaxPoints), this.rates.slice(-MaxPoints)];
      this.setState({ now: rate });
      this.plot?.setData([this.times, this.rates]);
    }

    this.last = { at, total };
  }

  draw = () => {
    this.plot?.destroy();
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
    this.plot = new this.Plot({
      width: this.ref.current.clientWidth, height: Height, legend: { show: false }, cursor: { drag: { x: false, y: false } },
      scales: { x: { range: (_, __, max) => { const end = max ?? Date.now() / 1000; return [end - (MaxPoints * Every) / 1000, end]; } }, y: { range: (_, __, max) => [0, Math.max(1, (max ?? 0) * 1.15)] } },
      axes: [{ ...axis, space: 70, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(11, 16)) }, { ...axis, size: 52 }],
      series: [{}, { stroke: colour('--accent'), width: 2, fill: colour('--sunken'), points: { show: true, size: 5, fill: colour('--accent') } }],
    }, [this.times, this.rates], this.ref.current);
  };

  render({ of }, { isOn, now }) {
    const said = now === null ? `Measuring: the first value comes in ${Every / 1000} seconds.` : `${count(Math.round(now * 100) / 100)} uses a second in the last ${Every / 1000} seconds`;
    return html`
      <div class="chart" ref=${this.ref} role="img" aria-label=${`Uses a second of ${of.id}. ${said}`}></div>
      <div class="row"><button type="button" class="small" aria-pressed=${isOn} onClick=${() => this.setState({ isOn: !isOn })}>${isOn ? 'Pause' : 'Go on'}</button><span class="quiet">${said}</span></div>`;
  }
}
