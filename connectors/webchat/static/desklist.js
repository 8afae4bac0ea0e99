// The list of conversations: who waits, since when, what is new.
import { $, el } from './shared.js';

const HUES = 12;
// four signs that a person can say aloud, always the same for a contact: ids hold dashes and are told apart by case
const code = (id) => [...id].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) >>> 0, 7).toString(36).toUpperCase().slice(-4);
export const nameOf = (ticket, words) => ticket.name || `${words.visitor} ${code(ticket.contact || '')}`;

export function face(name, key) {
  let sum = 0;
  for (const letter of key || name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  const letters = [...name.trim()], first = letters[0] || '?';
  const second = /[a-z]/i.test(first) ? [...(name.trim().split(/\s+/)[1] || '')][0] || '' : '';
  return el(`span.face.h${sum % HUES}`, { 'aria-hidden': 'true' }, (first + second).toUpperCase());
}

export function ago(iso, words, lang) {
  const minutes = Math.floor((Date.now() - new Date(iso)) / 60e3);
  if (minutes < 1) return words.now;
  const unit = minutes < 60 ? ['minute', minutes] : minutes < 1440 ? ['hour', Math.floor(minutes / 60)] : ['day', Math.floor(minutes / 1440)];
  return new Intl.NumberFormat(lang, { style: 'unit', unit: unit[0], unitDisplay: 'narrow' }).format(unit[1]);
}

export class List {
  constructor({ wire, words, lang, choose }) {
    Object.assign(this, { wire, words, lang, choose });
    this.tickets = new Map();
    this.tab = 'open';
    this.found = null;
    this.solved = null;
    this.chosen = '';
    this.draw = this.draw.bind(this);
    setInterval(this.draw, 30e3);
    const search = $('#search');
    search.placeholder = words.search;
    search.setAttribute('aria-label', words.search);
    search.addEventListener('input', () => { clearTimeout(this.asking); this.asking = setTimeout(() => this.search(search.value.trim()), 200); });
    search.addEventListener('keydown', (event) => { if (event.key === 'Escape') { search.value = ''; this.search(''); search.blur(); event.stopPropagation(); } });
  }

  async load() {
    const { tickets } = await this.wire.call('tickets?status=open');
    this.tickets = new Map(tickets.map((ticket) => [ticket.id, ticket]));
    this.solved = null;
    if (this.tab === 'solved') await this.more();
    this.draw();
  }

  take(ticket) {
    if (ticket.status === 'open') this.tickets.set(ticket.id, ticket); else this.tickets.delete(ticket.id);
    if (this.solved) {
      this.solved.rows = this.solved.rows.filter((one) => one.id !== ticket.id);
      if (ticket.status === 'solved') this.solved.rows.unshift(ticket);
    }
    if (this.found) this.found = this.found.map((one) => (one.id === ticket.id ? { ...one, ...ticket } : one));
    this.draw();
  }

  async more() {
    const found = await this.wire.call(`tickets?status=solved&after=${encodeURIComponent(this.solved?.after || '')}`);
    this.solved = { rows: [...(this.solved?.rows || []), ...found.tickets], after: found.after };
    this.draw();
  }

  async search(text) {
    this.query = text;
    if (!text) { this.found = null; return this.draw(); }
    const { tickets } = await this.wire.call(`search?q=${encodeURIComponent(text)}`).catch(() => ({ tickets: [] }));
    if (this.query === text) { this.found = tickets; this.draw(); }
  }

  show(tab) {
    this.tab = tab;
    this.found = null;
    $('#search').value = '';
    if (tab === 'solved' && !this.solved) this.more().catch(() => {});
    this.draw();
  }

  // those who wait come first, the longest wait at the top
  rows(tab = this.tab) {
    if (this.found) return this.found;
    if (tab === 'solved') return this.solved?.rows || [];
    const mine = { mine: (ticket) => ticket.assignee === this.wire.agent, nobody: (ticket) => !ticket.assignee, open: () => true }[tab];
    return [...this.tickets.values()].filter(mine).sort((a, b) => {
      if (Boolean(a.waiting) !== Boolean(b.waiting)) return a.waiting ? -1 : 1;
      return a.waiting ? a.waiting.localeCompare(b.waiting) : (b.last.at || b.updated).localeCompare(a.last.at || a.updated);
    });
  }

  draw() {
    const { words } = this, tabs = $('#tabs'), list = $('#list');
    if (!this.wire.agent) return;
    tabs.replaceChildren(...(this.found ? [el('button', { type: 'button', role: 'tab', ariaSelected: 'true' }, words.results, el('b', {}, String(this.found.length))),
      el('button', { type: 'button', onclick: () => this.show(this.tab) }, words.clear)]
      : ['open', 'mine', 'nobody', 'solved'].map((tab) => {
        const count = tab === 'solved' ? 0 : this.rows(tab).length;
        return el('button', { type: 'button', role: 'tab', ariaSelected: String(tab === this.tab), onclick: () => this.show(tab) }, words[tab], count ? el('b', {}, String(count)) : null);
      })));
    const rows = this.rows(), focus = document.activeElement?.dataset?.id, old = new Map([...list.children].map((item) => [item.dataset.key, item]));
    const items = rows.map((ticket) => {
      const key = `${ticket.id}|${ticket.updated}|${ticket.unread}|${ticket.marks}|${ticket.hit || ''}|${ticket.waiting && ago(ticket.waiting, words, this.lang)}|${ago(ticket.last.at || ticket.updated, words, this.lang)}|${ticket.id === this.chosen}`;
      return old.get(key) || this.row(ticket, key);
    });
    if (!rows.length) {
      const [big, small] = words[this.found ? 'emptyFound' : { open: 'emptyOpen', mine: 'emptyMine', nobody: 'emptyNobody', solved: 'emptySolved' }[this.tab]];
      items.push(el('li.empty', {}, el('strong', {}, big), el('span', {}, small)));
    } else if (this.tab === 'solved' && !this.found && this.solved?.after) {
      items.push(el('li', {}, el('button.soft', { type: 'button', onclick: () => this.more() }, words.loadMore)));
    }
    list.replaceChildren(...items);
    if (focus) list.querySelector(`[data-id="${CSS.escape(focus)}"]`)?.focus();
    const unread = [...this.tickets.values()].filter((ticket) => ticket.unread).length;
    document.title = `${unread ? `(${unread}) ` : ''}${$('#inbox h1').textContent}`;
  }

  row(ticket, key) {
    const { words, lang } = this, name = nameOf(ticket, words), late = ticket.waiting && Date.now() - new Date(ticket.waiting) > 600e3;
    const who = ticket.last.kind === 'agent' ? `${ticket.last.name === this.wire.agent ? words.you : ticket.last.name}${words.colon}` : '';
    const button = el('button.row', { type: 'button', onclick: () => this.choose(ticket.id), 'aria-current': ticket.id === this.chosen ? 'true' : null },
      face(name, ticket.contact),
      el('span.what', {},
        el('span.top', {}, el('bdi.name', {}, name), el('time', { dateTime: ticket.last.at || ticket.updated }, ago(ticket.last.at || ticket.updated, words, lang))),
        el('span.text', { dir: 'auto' }, ticket.hit || `${who}${ticket.last.text || ticket.subject}`),
        el('span.tags', {}, ticket.waiting && el(`span.wait${late ? '.late' : ''}`, {}, `${words.waiting} ${ago(ticket.waiting, words, lang)}`),
          ...(ticket.marks || []).map((mark) => el(`span.mark.${mark}`, {}, words[mark])),
          ticket.status === 'solved' && el('span.done', {}, words.solved), ticket.assignee && el('span.to', {}, ticket.assignee === this.wire.agent ? words.me : ticket.assignee), el('span.no', {}, `#${ticket.id}${ticket.channel ? ` · ${ticket.channel}` : ''}`))),
      ticket.unread && el('span.dot', { role: 'img', 'aria-label': words.unread }));
    button.dataset.id = ticket.id;
    const item = el(`li${ticket.unread ? '.unread' : ''}`, {}, button);
    item.dataset.key = key;
    return item;
  }

  step(by) {
    const rows = this.rows();
    const at = rows.findIndex((ticket) => ticket.id === (document.activeElement?.dataset?.id || this.chosen));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next) $('#list').querySelector(`[data-id="${CSS.escape(next.id)}"]`)?.focus();
  }
}
