// The visitor's line to the bridge: session, stream, outbox. Everything can be repeated; nothing is trusted to memory.
import { newId, readEvents } from './shared.js';

const STEPS = [0.5, 1, 2, 4, 8, 15, 30];
const OLD = 24 * 3600e3;
const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

export class Wire extends EventTarget {
  // `kept` is what outlives the page: {token, box, draft, skipped}; `save` stores it.
  constructor({ base, kept, save, lang, page, identity, askIdentity }) {
    super();
    Object.assign(this, { base, kept, lang, page, identity, askIdentity });
    this.save = () => save(this.kept);
    this.kept.box ||= [];
    this.access = '';
    this.cursor = '';
    this.tries = 0;
    this.heard = Date.now();
    this.streams = true;
    this.wanted = false;
    this.marks = { delivered: 0, read: 0 };
    for (const name of ['pageshow', 'focus']) addEventListener(name, () => this.hurry());
    addEventListener('online', () => { this.abort?.abort(); this.hurry(); });  // a line of the network before may look alive
    addEventListener('offline', () => this.tell('line', 'offline'));
    document.addEventListener('visibilitychange', () => this.seen());
    setInterval(() => { if (this.wanted && Date.now() - this.heard > 35e3) this.abort?.abort(); }, 5e3);
  }

  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  get last() { return Number(this.cursor.split('.')[1] || 0); }

  async call(path, { method = 'GET', body, headers = {}, again = true } = {}) {
    if (!this.access || Date.now() > this.until) await this.begin();
    const key = this.access;
    const answer = await fetch(this.base + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
      body: body && JSON.stringify(body),
    });
    if (answer.status === 401 && again) {
      if (this.access === key) this.access = '';
      return this.call(path, { method, body, headers, again: false });
    }
    return answer;
  }

  // one at a time, however many ask
  begin() {
    this.beginning ||= this.start().finally(() => { this.beginning = null; });
    return this.beginning;
  }

  async start() {
    const ask = (identity) => fetch(`${this.base}sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        visitor_token: this.kept.token, identity: identity || undefined, page: this.page, lang: this.lang,
        tz: Intl.DateTimeFormat().resolvedOptions().timeZone, resume: Boolean(this.cursor), entered: this.entered === true,
      }),
    });
    let answer = await ask(this.identity);
    if (answer.status === 401) {
      this.identity = await this.askIdentity?.();
      answer = await ask(this.identity);
    }
    if (answer.status === 401 && this.identity) {  // not who they say: a stranger, where strangers may talk
      this.identity = null;
      answer = await ask();
    }
    const found = await answer.json();
    if (!answer.ok) throw Object.assign(new Error('session'), found.error);
    this.take(found);
  }

  take(found) {
    if (found.visitor_token) { this.kept.token = found.visitor_token; this.save(); }
    this.access = found.access_token;
    this.until = Date.now() + (found.expires_in - 30) * 1000;
    const epoch = found.cursor.split('.')[0];
    if (this.cursor.split('.')[0] !== epoch) {
      this.cursor = found.cursor;
      this.marks = { delivered: found.read_seq, read: found.read_seq };
      this.tell('fresh', found);
    }
    this.tell('session', found);
  }

  async identify(claim) {
    this.identity = claim;
    if (!claim) return;
    if (!this.access) return void this.hurry();
    const answer = await this.call('identify', { method: 'POST', body: claim });
    if (!answer.ok) return void (this.identity = null);
    const found = await answer.json();
    this.take(found);
    if (found.switched) this.abort?.abort();
  }

  reset() {
    const token = this.kept.token;
    Object.assign(this.kept, { token: undefined, box: [], draft: '' });
    this.save();
    if (token) fetch(`${this.base}sessions`, { method: 'DELETE', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ visitor_token: token }) }).catch(() => {});
    Object.assign(this, { access: '', cursor: '', identity: null });
    this.abort?.abort();
    this.hurry();
  }

  // Keeps the line open until the page goes.
  async run() {
    this.wanted = true;
    for (;;) {
      if (!this.wanted) await new Promise((resolve) => { this.wake = resolve; });
      // another tab of this browser has the line now: look now and then, until somebody looks here
      if (this.replaced) {
        const woken = await Promise.race([new Promise((resolve) => { this.wake = () => resolve(true); }), pause(20)]);
        if (woken) this.replaced = false;
      }
      this.abort = new AbortController();
      try {
        if (this.replaced) await this.poll(true);
        else if (this.streams) await this.stream();
        else await this.poll();
      } catch (error) {
        if (error.code === 'resync') { this.cursor = ''; this.access = ''; }
        if (error.code === 'origin_not_allowed' || error.code === 'identity_required') { this.tell('line', error.code); this.wanted = false; continue; }
      }
      if (!this.wanted || this.replaced) continue;
      this.tell('line', navigator.onLine ? 'lost' : 'offline');
      const step = STEPS[Math.min(this.tries, STEPS.length - 1)] * (0.5 + Math.random());
      this.tries += 1;
      await Promise.race([pause(step), new Promise((resolve) => { this.wake = resolve; })]);
    }
  }

  async open(path, headers) {
    if (!this.access || Date.now() > this.until || !this.cursor) await this.begin();
    const answer = await fetch(`${this.base}events${path}`, {
      headers: { authorization: `Bearer ${this.access}`, 'last-event-id': this.cursor, ...headers },
      signal: this.abort.signal, cache: 'no-store',
    });
    if (answer.status === 401) this.access = '';
    if (!answer.ok) {
      const found = await answer.json().catch(() => ({}));
      if (found.error?.code === 'no_stream') this.streams = false;
      throw Object.assign(new Error('events'), found.error);
    }
    return answer;
  }

  async stream() {
    const abort = this.abort;
    let hello = false;
    // a proxy that holds the stream back: poll for the rest of the visit
    const late = setTimeout(() => { if (!hello) { this.streams = false; abort.abort(); } }, 6000);
    try {
      const answer = await this.open('', { accept: 'text/event-stream' });
      await readEvents(answer, () => { this.heard = Date.now(); }, (kind, data, id) => {
        hello = true;
        this.event(kind, data, id);
      });
    } finally { clearTimeout(late); }
  }

  async poll(once = false) {
    for (;;) {
      const answer = await this.open(`?wait=${once ? 0 : 20}`, {});
      this.heard = Date.now();
      const found = await answer.json();
      for (const { event, data, id } of found.events) this.event(event, data, id);
      if (!found.more) this.event('hello', { caught_up: true });
      if (once && !found.more) return;
    }
  }

  event(kind, data, id) {
    if (kind === 'hello') {
      this.tries = 0;
      if (data.caught_up) { this.tell('line', 'up'); this.tell('caught-up'); this.flush(); }
    } else if (kind === 'bye') {
      this.replaced = data.reason === 'replaced';
    } else if (!id) {
      this.tell(kind, data);
    } else {
      const [epoch, number] = id.split('.');
      if (epoch !== this.cursor.split('.')[0] || Number(number) <= this.last) return;
      if (Number(number) !== this.last + 1) { this.abort.abort(); return; }
      this.cursor = id;
      if (data.client_id) this.settle(data.client_id);
      this.tell(kind, data);
    }
  }

  hurry() {
    if (navigator.onLine === false) return;
    if (Date.now() - this.heard > 20e3) this.abort?.abort();
    this.tries = 0;
    this.wake?.();
    this.flush();
  }

  // Nobody looks: the line is closed after a minute, unless something still has to go out.
  seen() {
    clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = setTimeout(() => { if (!this.kept.box.length) { this.wanted = false; this.abort?.abort(); } }, 60e3);
    } else { this.wanted = true; this.hurry(); }
  }

  say(text, attachments) {
    const entry = { id: newId(), text, files: attachments, at: Date.now() };
    this.kept.box.push(entry);
    this.save();
    this.flush();
    return entry;
  }

  settle(id) {
    const at = this.kept.box.findIndex((entry) => entry.id === id);
    if (at < 0) return;
    this.kept.box.splice(at, 1);
    this.save();
  }

  retry(id) {
    const entry = this.kept.box.find((one) => one.id === id);
    if (entry) { entry.failed = ''; entry.at = Date.now(); this.save(); this.flush(); }
  }

  drop(id) { this.settle(id); this.tell('box'); }

  // In order, one at a time, until the box is empty.
  async flush() {
    this.push?.();
    if (this.flushing || navigator.onLine === false) return;
    this.flushing = true;
    try {
      for (let step = 0; ;) {
        const entry = this.kept.box.find((one) => !one.failed);
        if (!entry) return;
        if (Date.now() - entry.at > OLD) { this.fail(entry, 'old'); continue; }
        const wait = await this.send(entry, step);
        if (wait === 0) { step = 0; continue; }
        step += 1;
        await Promise.race([pause(wait), new Promise((resolve) => { this.push = resolve; })]);
      }
    } finally { this.flushing = false; }
  }

  // 0 when it is done with, else the seconds to wait
  async send(entry, step) {
    const later = STEPS[Math.min(step, STEPS.length - 1)] * (0.75 + Math.random() / 2);
    try {
      const body = { client_id: entry.id, text: entry.text, attachments: entry.files.map((file) => file.id), page: this.page };
      const answer = await this.call('messages', { method: 'POST', body });
      const found = await answer.json().catch(() => ({}));
      if (answer.ok) {
        this.tell('stored', { ...found, entry });
        this.settle(entry.id);
        return 0;
      }
      if (answer.status === 429) {
        const wait = Math.max(1, (found.error?.retry_after_ms || 5000) / 1000);
        this.tell('slow', wait);
        await pause(wait);
        return 0;
      }
      if (answer.status >= 500 || answer.status === 401) return later;
      this.fail(entry, found.error?.code || 'failed');
      return 0;
    } catch { return later; }
  }

  fail(entry, why) {
    entry.failed = why;
    this.save();
    this.tell('box');
  }

  mark(what, seq) {
    if (seq <= this.marks[what]) return;
    this.marks[what] = seq;
    clearTimeout(this.marking);
    this.marking = setTimeout(() => this.call('receipts', { method: 'POST', body: this.marks }).catch(() => {}), 700);
  }

  typing() {
    if (Date.now() - (this.typed || 0) < 3000) return;
    this.typed = Date.now();
    this.call('typing', { method: 'POST', body: { on: true } }).catch(() => {});
  }
}
