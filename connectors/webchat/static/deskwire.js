// The agent's line to the bridge: calls, the stream of news, an outbox that survives reloads.
import { newId, readEvents } from './shared.js';

const STEPS = [0.5, 1, 2, 4, 8, 15];
const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

export class Wire extends EventTarget {
  constructor(base, account) {
    super();
    this.base = base;
    this.place = `bridge.desk.${account}`;
    this.cursor = '';
    this.tries = 0;
    this.heard = Date.now();
    this.box = [];
    for (const name of ['pageshow', 'focus']) addEventListener(name, () => this.hurry());
    addEventListener('online', () => { this.abort?.abort(); this.hurry(); });
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.hurry(); });
    setInterval(() => { if (Date.now() - this.heard > 35e3) this.abort?.abort(); }, 5e3);
  }

  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  // the JSON of an answer; throws {code, status} for a refusal
  async call(path, body) {
    let answer;
    try {
      answer = await fetch(this.base + path, body === undefined ? { cache: 'no-store' } : {
        method: 'POST', headers: { 'content-type': 'application/json', 'x-desk': '1' }, body: JSON.stringify(body),
      });
    } catch { throw Object.assign(new Error('offline'), { code: 'offline', status: 0 }); }
    const found = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    if (answer.ok) return found;
    if (answer.status === 401 && path !== 'sign-in') this.tell('signed-out');
    throw Object.assign(new Error('refused'), { status: answer.status, code: 'refused', ...found.error });
  }

  begin(me) {
    this.agent = me.name;
    this.cursor = me.cursor;
    try { this.box = JSON.parse(localStorage.getItem(`${this.place}.${this.agent}`)) || []; } catch { this.box = []; }
    if (!this.running) this.run();
    this.running = true;
    this.wake?.();
    this.flush();
  }

  end() { this.agent = ''; this.abort?.abort(); }

  async run() {
    for (;;) {
      if (!this.agent) await new Promise((resolve) => { this.wake = resolve; });
      this.abort = new AbortController();
      try {
        const answer = await fetch(`${this.base}events`, {
          headers: { accept: 'text/event-stream', 'last-event-id': this.cursor }, signal: this.abort.signal, cache: 'no-store',
        });
        if (answer.status === 401) { this.tell('signed-out'); this.agent = ''; continue; }
        if (answer.status === 410) { this.tell('reload'); continue; }
        if (answer.ok) {
          await readEvents(answer, () => { this.heard = Date.now(); }, (kind, data, id) => {
            if (id) this.cursor = id;
            if (kind === 'hello') { this.tries = 0; this.tell('line', true); if (data.caught_up) this.flush(); } else if (kind !== 'bye') this.tell(kind, data);
          });
        }
      } catch { /* the line is gone; it comes again */ }
      if (!this.agent) continue;
      this.tell('line', false);
      const step = STEPS[Math.min(this.tries, STEPS.length - 1)] * (0.5 + Math.random());
      this.tries += 1;
      await Promise.race([pause(step), new Promise((resolve) => { this.wake = resolve; })]);
    }
  }

  hurry() {
    if (Date.now() - this.heard > 20e3) this.abort?.abort();
    this.wake?.();
    this.flush();
  }

  save() { try { localStorage.setItem(`${this.place}.${this.agent}`, JSON.stringify(this.box)); } catch { /* in memory */ } }

  say(ticket, note, text, files, seen) {
    const entry = { client: newId(), ticket, note, text, files, seen, at: new Date().toISOString() };
    this.box.push(entry);
    this.save();
    this.tell('box', ticket);
    this.flush();
  }

  drop(client) {
    const at = this.box.findIndex((entry) => entry.client === client);
    if (at < 0) return null;
    const [entry] = this.box.splice(at, 1);
    this.save();
    this.tell('box', entry.ticket);
    return entry;
  }

  // In order; a refusal is told and waits for the agent, a dead line is tried again.
  async flush() {
    this.push?.();
    if (this.flushing || !this.agent) return;
    this.flushing = true;
    try {
      for (let step = 0; ;) {
        const entry = this.box.find((one) => !one.failed);
        if (!entry) return;
        try {
          const found = await this.call(`tickets/${entry.ticket}/${entry.note ? 'notes' : 'messages'}`, {
            client_id: entry.client, text: entry.text, attachments: entry.files.map((file) => file.id), ...(entry.seen === undefined || entry.note ? {} : { seen_seq: entry.seen }),
          });
          this.tell('written', { ticket: entry.ticket, entry: found.entry });
          this.drop(entry.client);
          step = 0;
        } catch (error) {
          if (error.code === 'newer_messages') { this.drop(entry.client); this.tell('newer', { entry, newer: error.newer }); continue; }
          if (error.status && error.status < 500 && error.status !== 429) {
            if (error.status === 401) return;
            entry.failed = error.code;
            this.save();
            this.tell('box', entry.ticket);
            continue;
          }
          step += 1;
          await Promise.race([pause(STEPS[Math.min(step, STEPS.length - 1)]), new Promise((resolve) => { this.push = resolve; })]);
        }
      }
    } finally { this.flushing = false; }
  }
}
