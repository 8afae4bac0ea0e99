// What was said in a conversation, with the progress of every answer.
import { el, linked } from './shared.js';
import { nameOf } from './desklist.js';
import { file } from './parts.js';

export const GOOD = ['accepted', 'delivered', 'read'];
const SIGNS = { queued: '◷', sending: '◷', accepted: '✓', delivered: '✓✓', read: '✓✓', held: '❚❚', failed: '!', unconfirmed: '?' };

export function timeline(view) {
  const { words, clock } = view, items = [], pending = view.wire.box.filter((entry) => entry.ticket === view.id);
  let day = '', before = null;
  for (const entry of view.entries) {
    const date = new Date(entry.at);
    if (clock.key(date) !== day) { day = clock.key(date); items.push(el('div.day', {}, clock.day(date, words))); before = null; }
    const speaks = entry.type === 'message' || entry.type === 'note';
    const more = speaks && before && before.type === entry.type && before.from.kind === entry.from.kind && before.from.name === entry.from.name && date - new Date(before.at) < 300e3;
    items.push(speaks ? bubble(view, entry, more) : event(view, entry));
    before = speaks ? entry : null;
  }
  const known = new Set(view.entries.map((entry) => entry.client_id));
  for (const entry of pending) {
    if (known.has(entry.client)) continue;
    items.push(bubble(view, { type: entry.note ? 'note' : 'message', from: { kind: 'agent', name: view.wire.agent }, text: entry.text, attachments: entry.files, at: entry.at, pending: entry }));
  }
  return items;
}

function event({ words, clock }, entry) {
  const by = entry.by || '';
  const text = entry.type === 'assigned' ? (!entry.to ? words.freed(by) : entry.to === by ? words.took(by) : words.gave(by, entry.to))
    : entry.status === 'solved' ? words.solvedBy(by) : words.reopenedBy(by);
  return el('div.event', {}, el('span', {}, text), el('time', { dateTime: entry.at }, clock.time(new Date(entry.at))));
}

function bubble(view, entry, more) {
  const text = entry.words?.[document.documentElement.lang.slice(0, 2)] || entry.text; // the bridge's notes speak the reader's language
  const { words, clock, wire } = view, { kind, name } = entry.from, note = entry.type === 'note', own = kind === 'agent';
  const shown = own ? (name === wire.agent ? words.you : name) : kind === 'bot' ? words.bridge : name || nameOf(view.ticket, words);
  const meta = el('div.meta', {}, el('time', { dateTime: entry.at, title: new Date(entry.at).toLocaleString(view.lang) }, clock.time(new Date(entry.at))));
  let item;
  if (own && !note) progress(view, entry, meta);
  else if (entry.pending) waiting(view, entry.pending, meta);
  const side = note ? '.note' : own ? '.me' : '';
  const how = meta.dataset.progress;
  item = el(`div.msg${side}${more ? '.more' : ''}${['failed', 'unconfirmed'].includes(how) ? '.bad' : ''}${kind === 'bot' ? '.bot' : ''}`, {},
    !more && el('div.name', {}, el('bdi', {}, shown), note && el('span.tag', {}, kind === 'bot' ? words.bridgeTag : words.noteTag)),
    text && el('div.bubble', { dir: 'auto' }, linked(text)), (entry.cards || []).map((one) => card(one)), (entry.attachments || []).map((one) => file(one, words, () => { if (view.near(420)) view.bottom(); }, (picture) => view.zoom(picture))), meta);
  return item;
}

function progress(view, entry, meta) {
  if (entry.pending) return waiting(view, entry.pending, meta);
  const { words } = view, { state, reason, words: said } = view.states.get(entry.id) || { state: 'queued' };
  const name = SIGNS[state] ? state : 'queued';
  meta.dataset.progress = name;
  const why = said?.[document.documentElement.lang.slice(0, 2)] || (typeof words[reason] === 'string' ? words[reason] : reason);
  meta.append(el(`span.progress.${name}`, {}, el('i', { 'aria-hidden': 'true' }, SIGNS[name]), `${words[name]}${why && !GOOD.includes(name) ? ` – ${why}` : ''}`));
  if (name === 'failed' || name === 'unconfirmed') meta.append(el('button.link', { type: 'button', onclick: () => view.resend(entry.id) }, words.resend));
  return undefined;
}

function waiting(view, entry, meta) {
  const { words } = view;
  meta.dataset.progress = entry.failed ? 'failed' : 'sending';
  meta.append(el(`span.progress.${entry.failed ? 'failed' : 'sending'}`, {}, el('i', { 'aria-hidden': 'true' }, entry.failed ? '!' : '◷'), entry.failed ? `${words.failed} – ${words[entry.failed] || words.refused}` : words.sending));
  if (entry.failed) meta.append(el('button.link', { type: 'button', onclick: () => view.restore(view.wire.drop(entry.client)) }, words.drop));
}

function card(one) {
  return el('div.card', {}, one.thumb && el('img', { src: one.thumb, alt: '', loading: 'lazy' }), el('div', {}, el('b', { dir: 'auto' }, one.title || one.url || one.path || ''), one.text && el('span', { dir: 'auto' }, one.text),
    one.path && el('code', {}, one.path), one.url && el('span', {}, linked(one.url))));
}
