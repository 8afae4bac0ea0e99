// One conversation: its timeline with the progress of every answer, the composer, the customer.
import { $, FILE, el, fill, icon, linked, sender, shrink, size, upload } from './shared.js';
import { face, nameOf } from './desklist.js';
import { meter } from './deskmeter.js';

const GOOD = ['accepted', 'delivered', 'read'];
const SIGNS = { queued: '◷', sending: '◷', accepted: '✓', delivered: '✓✓', read: '✓✓', held: '❚❚', failed: '!', unconfirmed: '?' };

export class View {
  constructor({ wire, words, lang, clock, config, changed, leave }) {
    Object.assign(this, { wire, words, lang, clock, config, changed, leave });
    this.id = '';
    this.drafts = new Map();
    this.mode = 'reply';
    this.uploads = [];
    const field = $('#text');
    sender(field, () => this.send());
    field.addEventListener('input', () => { this.grow(); if (field.value.trim()) this.typing(); });
    $('#compose').addEventListener('submit', (event) => { event.preventDefault(); this.send(); });
    $('#file').addEventListener('change', ({ target }) => { this.attach(target.files); target.value = ''; });
    $('#file').setAttribute('aria-label', words.attach);
    $('#attach').title = words.attach;
    $('.hint').textContent = words.hint;
    field.addEventListener('paste', (event) => { if (event.clipboardData.files.length) { event.preventDefault(); this.attach(event.clipboardData.files); } });
    const talk = $('#talk');
    talk.addEventListener('dragover', (event) => { event.preventDefault(); talk.classList.toggle('drop', Boolean(this.id)); });
    talk.addEventListener('dragleave', () => talk.classList.remove('drop'));
    talk.addEventListener('drop', (event) => { event.preventDefault(); talk.classList.remove('drop'); if (this.id) this.attach(event.dataTransfer.files); });
    $('#older').textContent = words.older;
    $('#older').onclick = () => this.older();
    $('#flow').addEventListener('scroll', () => this.look(), { passive: true });
    document.addEventListener('visibilitychange', () => this.look());
    addEventListener('focus', () => this.look());
    this.blank(...words.blank);
    this.modes();
  }

  blank(big, small, again) {
    fill($('#blank'), icon('M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-6l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z'), el('strong', {}, big), el('span', {}, small),
      again && el('button.main', { type: 'button', onclick: again }, this.words.again));
    for (const id of ['head', 'flow', 'compose', 'side']) $(`#${id}`).hidden = true;
    $('#blank').hidden = false;
  }

  async open(id) {
    this.keep();
    this.id = id;
    this.entries = [];
    this.states = new Map();
    this.last = 0;
    $('#newer').hidden = true;
    $('#typing').hidden = true;
    try {
      const found = await this.wire.call(`tickets/${encodeURIComponent(id)}`);
      if (this.id !== id) return;
      this.ticket = found.ticket;
      this.others = found.others;
      $('#older').hidden = !found.more;
      this.add(found.entries);
      $('#blank').hidden = true;
      for (const name of ['head', 'flow', 'compose', 'side']) $(`#${name}`).hidden = false;
      const draft = this.drafts.get(id) || { text: '', mode: 'reply' };
      $('#text').value = draft.text;
      this.mode = draft.mode;
      this.modes();
      this.head();
      this.side();
      this.draw();
      this.grow();
      this.bottom();
      setTimeout(() => $('#entries').setAttribute('aria-live', 'polite'), 300);
      this.look();
    } catch (error) {
      if (this.id === id && error.status !== 401) this.blank(...this.words.failedLoad, () => this.open(id));
    }
  }

  keep() { if (this.id && $('#text').value !== undefined && !$('#compose').hidden) this.drafts.set(this.id, { text: $('#text').value, mode: this.mode }); }

  close() {
    this.keep();
    this.id = '';
    $('#entries').setAttribute('aria-live', 'off');
    this.blank(...this.words.blank);
  }

  add(entries) {
    for (const entry of entries) {
      if (entry.seq <= this.last) continue;
      this.last = entry.seq;
      if (entry.type === 'state') this.mark(entry); else this.entries.push(entry);
    }
  }

  mark({ of, state, reason }) {
    const before = this.states.get(of);
    if (before && GOOD.includes(state) && GOOD.indexOf(state) < GOOD.indexOf(before.state)) return;
    this.states.set(of, { state, reason });
  }

  // the list heard that this ticket changed: fetch what is new
  async refresh(summary) {
    if (summary.id !== this.id || !this.ticket) return;
    Object.assign(this.ticket, summary);
    const { fields } = this.ticket, { tags } = summary;
    if (tags && String(tags) !== String(fields.tags || [])) { this.ticket.fields = { ...fields, tags }; this.side(); }
    if (this.fetching) { this.again = true; return; }
    this.fetching = true;
    try {
      do {
        this.again = false;
        const { id } = this, stay = this.near(), { entries } = await this.wire.call(`tickets/${id}/entries?after=${this.last}`);
        if (this.id !== id) return;
        if (entries.length) {
          this.add(entries);
          this.draw();
          if (stay) this.bottom();
          if (entries.some((entry) => entry.type === 'message')) $('#typing').hidden = true;
        }
      } while (this.again);
      this.head(); meter(this);
      this.look();
    } catch { /* the next news, or the next connection, brings it */ } finally { this.fetching = false; }
  }

  async older() {
    const first = this.entries[0]?.seq || this.last + 1, flow = $('#flow'), height = flow.scrollHeight;
    const found = await this.wire.call(`tickets/${this.id}/entries?before=${first}`).catch(() => null);
    if (!found) return;
    for (const entry of found.entries) if (entry.type === 'state' && !this.states.has(entry.of)) this.mark(entry);
    this.entries.unshift(...found.entries.filter((entry) => entry.type !== 'state'));
    $('#older').hidden = !found.more;
    this.draw();
    flow.scrollTop += flow.scrollHeight - height;
  }

  // --- head

  head() {
    const { words, ticket, wire } = this, name = nameOf(ticket, words), solved = ticket.status === 'solved';
    const select = el('select', { 'aria-label': words.assign, title: words.assign, onchange: ({ target }) => this.act('assignee', { to: target.value }) },
      el('option', { value: '', selected: !ticket.assignee }, words.unassigned),
      ...[...new Set([...wire.agents, ticket.assignee].filter(Boolean))].map((agent) => el('option', { value: agent, selected: agent === ticket.assignee }, agent === wire.agent ? `${agent} (${words.me})` : agent)));
    fill($('#head'), 
      el('button.icon.back', { type: 'button', 'aria-label': words.back, onclick: () => this.leave() }, icon('M15 5l-7 7 7 7')),
      face(name, ticket.contact), el('div.who', {}, el('h1', {}, el('bdi', {}, name)), el('p.dim', {}, `#${ticket.id}${ticket.channel ? ` · ${ticket.channel}` : ''}`, ticket.subject ? ` · ${ticket.subject}` : '')),
      el('div.acts', {}, select, el(`button.${solved ? 'soft' : 'good'}`, { id: 'settle', type: 'button', onclick: () => this.settle() }, solved ? words.reopen : words.solve),
        el('button.icon.details', { type: 'button', 'aria-label': words.details, title: words.details, onclick: () => document.body.classList.toggle('side') }, icon('M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0'))));
  }

  act(what, body) { return this.wire.call(`tickets/${this.id}/${what}`, body).catch((error) => this.changed(this.words[error.code] || this.words.refused)); }

  settle() { return this.act('status', { status: this.ticket.status === 'solved' ? 'open' : 'solved' }); }

  take() { return this.act('assignee', { to: this.wire.agent }); }

  // --- timeline

  draw() {
    const { words, clock } = this, items = [], pending = this.wire.box.filter((entry) => entry.ticket === this.id);
    let day = '', before = null;
    for (const entry of this.entries) {
      const date = new Date(entry.at);
      if (clock.key(date) !== day) { day = clock.key(date); items.push(el('div.day', {}, clock.day(date, words))); before = null; }
      const bubble = entry.type === 'message' || entry.type === 'note';
      const more = bubble && before && before.type === entry.type && before.from.kind === entry.from.kind && before.from.name === entry.from.name && date - new Date(before.at) < 300e3;
      items.push(bubble ? this.bubble(entry, more) : this.event(entry));
      before = bubble ? entry : null;
    }
    const known = new Set(this.entries.map((entry) => entry.client_id));
    for (const entry of pending) {
      if (known.has(entry.client)) continue;
      items.push(this.bubble({ type: entry.note ? 'note' : 'message', from: { kind: 'agent', name: this.wire.agent }, text: entry.text, attachments: entry.files, at: entry.at, pending: entry }));
    }
    $('#entries').replaceChildren(...items);
  }

  event(entry) {
    const { words, clock } = this, by = entry.by || '';
    const text = entry.type === 'assigned' ? (!entry.to ? words.freed(by) : entry.to === by ? words.took(by) : words.gave(by, entry.to))
      : entry.status === 'solved' ? words.solvedBy(by) : words.reopenedBy(by);
    return el('div.event', {}, el('span', {}, text), el('time', { dateTime: entry.at }, clock.time(new Date(entry.at))));
  }

  bubble(entry, more) {
    const { words, clock, wire } = this, { kind, name } = entry.from, note = entry.type === 'note', own = kind === 'agent';
    const shown = own ? (name === wire.agent ? words.you : name) : kind === 'bot' ? words.bridge : name || nameOf(this.ticket, words);
    const meta = el('div.meta', {}, el('time', { dateTime: entry.at, title: new Date(entry.at).toLocaleString(this.lang) }, clock.time(new Date(entry.at))));
    let item;
    if (own && !note) this.progress(entry, meta);
    else if (entry.pending) this.waiting(entry.pending, meta);
    const side = note ? '.note' : own ? '.me' : '';
    const progress = meta.dataset.progress;
    item = el(`div.msg${side}${more ? '.more' : ''}${['failed', 'unconfirmed'].includes(progress) ? '.bad' : ''}${kind === 'bot' ? '.bot' : ''}`, {},
      !more && el('div.name', {}, el('bdi', {}, shown), note && el('span.tag', {}, kind === 'bot' ? words.bridgeTag : words.noteTag)),
      entry.text && el('div.bubble', { dir: 'auto' }, linked(entry.text)), (entry.cards || []).map((one) => this.card(one)), (entry.attachments || []).map((one) => this.file(one)), meta);
    return item;
  }

  progress(entry, meta) {
    if (entry.pending) return this.waiting(entry.pending, meta);
    const { words } = this, { state, reason } = this.states.get(entry.id) || { state: 'queued' };
    const name = SIGNS[state] ? state : 'queued';
    meta.dataset.progress = name;
    const why = words[reason] && typeof words[reason] === 'string' ? words[reason] : reason;
    meta.append(el(`span.progress.${name}`, {}, el('i', { 'aria-hidden': 'true' }, SIGNS[name]), `${words[name]}${why && !GOOD.includes(name) ? ` – ${why}` : ''}`));
    if (name === 'failed' || name === 'unconfirmed') meta.append(el('button.link', { type: 'button', onclick: () => this.wire.say(this.id, true, '#retry', []) }, words.resend));
    return undefined;
  }

  waiting(entry, meta) {
    const { words } = this;
    meta.dataset.progress = entry.failed ? 'failed' : 'sending';
    meta.append(el(`span.progress.${entry.failed ? 'failed' : 'sending'}`, {}, el('i', { 'aria-hidden': 'true' }, entry.failed ? '!' : '◷'), entry.failed ? `${words.failed} – ${words[entry.failed] || words.refused}` : words.sending));
    if (entry.failed) meta.append(el('button.link', { type: 'button', onclick: () => this.restore(this.wire.drop(entry.client)) }, words.drop));
  }

  file(one) {
    if (one.kind === 'image' && one.url) {
      const picture = el('img', { src: one.url, alt: one.name || this.words.image, loading: 'lazy', onload: () => { if (this.near(420)) this.bottom(); } });
      if (one.w) { picture.width = one.w; picture.height = one.h; }
      return el('button.pic', { type: 'button', 'aria-label': one.name || this.words.image, onclick: () => this.zoom(one) }, picture);
    }
    if (one.kind === 'voice' && one.url && !/amr|silk/.test(one.mime)) return el('audio', { controls: true, src: one.url, preload: 'none' });
    if (one.kind === 'video' && one.url) return el('video', { controls: true, src: one.url, preload: 'metadata' });
    return el('a.doc', { href: one.url, target: '_blank', rel: 'noopener', download: one.name, title: one.kind === 'voice' ? this.words.play : one.name }, icon(FILE), el('span', {}, el('bdi', {}, one.name || one.kind), el('small', {}, one.size ? size(one.size) : '')));
  }

  card(one) {
    return el('div.card', {}, one.thumb && el('img', { src: one.thumb, alt: '', loading: 'lazy' }), el('div', {}, el('b', { dir: 'auto' }, one.title || one.url || one.path || ''), one.text && el('span', { dir: 'auto' }, one.text),
      one.path && el('code', {}, one.path), one.url && el('span', {}, linked(one.url))));
  }

  zoom(one) {
    const dialog = $('#zoom');
    $('img', dialog).src = one.url;
    $('img', dialog).alt = one.name || this.words.image;
    dialog.onclick = () => dialog.close();
    dialog.showModal();
  }

  near(room = 100) { const flow = $('#flow'); return flow.scrollHeight - flow.scrollTop - flow.clientHeight < room; }

  bottom() { const flow = $('#flow'); flow.scrollTop = flow.scrollHeight; }

  // seen: open, in front, at the end
  look() {
    clearTimeout(this.looking);
    if (!this.id || !this.ticket || document.hidden || !document.hasFocus() || !this.near() || $('#flow').hidden) return;
    const { id, last, ticket, wire } = this;
    if ((ticket.seen?.[wire.agent] || 0) >= last && !ticket.unread) return;
    this.looking = setTimeout(() => {
      (ticket.seen ||= {})[wire.agent] = last;
      wire.call(`tickets/${id}/seen`, { seq: last }).catch(() => {});
    }, 500);
  }

  whoTypes({ t, contact, customer: elsewhere, name, on }) {
    const line = $('#typing');
    const customer = (contact && contact === this.ticket?.contact) || (elsewhere && t === this.id);
    if (!this.id || !(customer || (t === this.id && name !== this.wire.agent))) return;
    clearTimeout(this.quiet);
    line.textContent = customer ? this.words.typingCustomer : this.words.typingAgent(name);
    line.hidden = !on;
    if (this.near()) this.bottom();
    this.quiet = setTimeout(() => { line.hidden = true; }, 6000);
  }

  // --- writing

  modes() {
    const { words } = this;
    $('.modes').replaceChildren(...['reply', 'note'].map((mode) => el('button', { type: 'button', role: 'tab', ariaSelected: String(mode === this.mode), onclick: () => { this.mode = mode; this.modes(); $('#text').focus(); } }, words[mode])));
    $('#compose').classList.toggle('note', this.mode === 'note');
    $('#text').placeholder = this.mode === 'note' ? words.writeNote : words.writeReply;
    $('#text').setAttribute('aria-label', $('#text').placeholder);
    $('#send').textContent = this.mode === 'note' ? words.addNote : words.send;
    if (this.ticket) meter(this);
  }

  write(mode) { this.mode = mode; this.modes(); $('#text').focus(); }

  grow() {
    const field = $('#text');
    field.style.height = 'auto';
    field.style.height = `${Math.min(field.scrollHeight, 220)}px`;
    this.ready();
  }

  ready() { $('#send').disabled = !($('#text').value.trim() || this.uploads.length) || this.uploads.some((one) => !one.found); }

  typing() {
    if (this.mode === 'note' || Date.now() - (this.typed || 0) < 3000) return;
    this.typed = Date.now();
    this.wire.call(`tickets/${this.id}/typing`, { on: true }).catch(() => {});
  }

  send() {
    if (!this.id || $('#send').disabled) return;
    this.wire.say(this.id, this.mode === 'note', $('#text').value.trim(), this.uploads.splice(0).map((one) => one.found), this.last);
    $('#text').value = '';
    $('#files').replaceChildren();
    $('#files').hidden = true;
    $('#newer').hidden = true;
    this.drafts.delete(this.id);
    this.mode = 'reply';
    this.modes();
    this.grow();
    this.draw();
    this.bottom();
  }

  // a colleague or the customer was faster: nothing is lost, and the agent decides
  faster({ entry, newer }) {
    if (entry.ticket !== this.id) { this.drafts.set(entry.ticket, { text: entry.text, mode: 'reply' }); return; }
    this.restore(entry);
    this.add(newer);
    this.draw();
    this.bottom();
    $('#newer').replaceChildren(el('span', {}, this.words.newer(newer.length)), el('button.soft', { type: 'button', onclick: () => { this.last = Math.max(this.last, newer.at(-1).seq); this.send(); } }, this.words.anyway));
    $('#newer').hidden = false;
  }

  restore(entry) {
    if (!entry || entry.ticket !== this.id) return;
    $('#text').value = [entry.text, $('#text').value].filter(Boolean).join('\n');
    for (const found of entry.files) this.listed({ found, name: found.name });
    this.mode = entry.note ? 'note' : 'reply';
    this.modes();
    this.grow();
    $('#text').focus();
  }

  listed(one) {
    this.uploads.push(one);
    const bar = one.found ? el('small', {}, size(one.found.size)) : el('progress', { max: 1, value: 0 });
    const item = el('li', {}, el('bdi', {}, one.name), bar, el('button', { type: 'button', 'aria-label': `${this.words.cancel}: ${one.name}`, onclick: () => {
      one.cancel?.();
      if (this.uploads.includes(one)) this.uploads.splice(this.uploads.indexOf(one), 1);
      item.remove();
      $('#files').hidden = !$('#files').children.length;
      this.ready();
    } }, '✕'));
    $('#files').append(item);
    $('#files').hidden = false;
    this.ready();
    return bar;
  }

  async attach(files) {
    for (const given of [...files].slice(0, 10 - this.uploads.length)) {
      const picked = await shrink(given), one = { name: picked.name }, bar = this.listed(one);
      const bad = (code) => {
        if (code === 'cancelled') return;
        this.uploads.splice(this.uploads.indexOf(one), 1);
        bar.replaceWith(el('span.err', { role: 'alert' }, code === 'too_large' ? `${this.words.too_large} (${size(this.config.file)})` : this.words[code] || this.words.refused));
        this.ready();
      };
      if (picked.size > this.config.file) { bad('too_large'); continue; }
      const task = upload(`${this.wire.base}uploads`, picked, { 'x-desk': '1' }, (part) => { bar.value = part; });
      one.cancel = task.cancel;
      try { one.found = await task.done; bar.replaceWith(el('small', {}, size(one.found.size))); this.ready(); } catch (error) { bad(error.code); }
    }
  }

  // --- the customer

  side() {
    const { words, ticket } = this, { profile, context, fields } = ticket, name = nameOf(ticket, words);
    const row = (label, value) => value && el('div', {}, el('dt', {}, label), el('dd', { dir: 'auto' }, value));
    const page = context.page || context.entry_page || '';
    const rest = Object.entries(context).filter(([key, value]) => value && !['page', 'title', 'referrer'].includes(key));
    const group = (title, ...rows) => (rows.flat().some(Boolean) ? el('section', {}, el('h3', {}, title), el('dl', {}, ...rows.flat())) : null);
    const chips = (fields.tags || []).map((tag) => el('span.chip', {}, String(tag)));
    fill($('#side'), 
      el('button.icon.shut', { type: 'button', 'aria-label': words.back, onclick: () => document.body.classList.remove('side') }, icon('M6 6l12 12M18 6L6 18')),
      el('div.card0', {}, face(name, ticket.contact), el('h2', {}, el('bdi', {}, name))),
      group(words.profile, row(words.email, profile.email), row(words.phone, profile.phone), row(words.locale, profile.locale),
        Object.entries(profile.extra || {}).map(([key, value]) => row(words[key] || key, value)), row(words.id, profile.id)),
      group(words.entry, row(words.page, page && /^https?:/.test(page) ? linked(page) : page), row(words.title, context.title), row(words.referrer, context.referrer && linked(context.referrer)), rest.map(([key, value]) => row(words[key] || key, value))),
      group(words.ticket, row(words.created, new Date(ticket.created).toLocaleString(this.lang)), row(words.group, fields.group && String(fields.group)), row(words.priority, fields.priority && String(fields.priority)), chips.length ? row(words.tags, chips) : null,
        ticket.previous && row(words.previous, el('a', { href: `#${ticket.previous}` }, `#${ticket.previous}`))),
      el('section', {}, el('h3', {}, words.others), this.others.length ? el('ul', {}, this.others.map((other) => el('li', {}, el('a', { href: `#${other.id}` }, el('b', {}, `#${other.id}`), ` ${other.subject}`, el('small', {}, ` ${other.status === 'solved' ? words.solved : words.open}`)))))
        : el('p.dim', {}, words.none)));
  }
}
