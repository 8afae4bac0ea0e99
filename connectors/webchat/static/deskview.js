// One conversation: its timeline with the progress of every answer, the composer, the customer.
import { $, el, fill, icon, sender, shrink, size, upload } from './shared.js';
import { meter } from './deskmeter.js';
import { head, side } from './deskside.js';
import { GOOD, timeline } from './desktimeline.js';

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

  // one answer that failed goes once more
  async resend(of) {
    if (await this.act(`messages/${of}/again`, {})) { this.states.set(of, { state: 'queued' }); this.draw(); }
  }

  mark({ of, state, reason, words }) {
    const before = this.states.get(of);
    if (before && GOOD.includes(state) && GOOD.indexOf(state) < GOOD.indexOf(before.state)) return;
    this.states.set(of, { state, reason, words });
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

  head() { head(this); }

  side() { side(this); }

  act(what, body) { return this.wire.call(`tickets/${this.id}/${what}`, body).catch((error) => this.changed(this.words[error.code] || this.words.refused)); }

  settle() { return this.act('status', { status: this.ticket.status === 'solved' ? 'open' : 'solved' }); }

  take() { return this.act('assignee', { to: this.wire.agent }); }

  // --- timeline

  draw() { $('#entries').replaceChildren(...timeline(this)); }

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
}
