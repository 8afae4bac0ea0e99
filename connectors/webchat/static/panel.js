// The chat as visitors see it: in a frame on somebody's site, or as a page of its own.
import { $, FILE, clock, el, icon, inkOn, linked, region, sender, shrink, size, upload } from './shared.js';
import { texts } from './texts.js';
import { Wire } from './wire.js';

const config = JSON.parse(document.body.dataset.config);
const framed = !config.page;
const root = document.documentElement;
const base = new URL('v1/', location.href).href;
const coarse = matchMedia('(pointer: coarse)').matches;
let words, when, wire, kept = {}, host = '', opened = !framed, modal = false;
const log = $('#log'), scroll = $('#scroll'), field = $('#text'), notice = $('#notice');
const shown = new Map();      // message id → {item, message}
const states = new Map();     // message id → {state, reason}: may come before the message
const waiting = new Map();    // client id → item of a message that is still on its way
const uploads = [];
let unread = 0, readable = 0, live = false;

// --- the page around us

function allowed(origin) {
  if (origin === location.origin) return true;
  return config.origins.some((entry) => {
    const [scheme, name] = entry.split('://'), [given, at] = origin.split('://');
    return scheme === given && (name === at || (name.startsWith('*.') && at.endsWith(name.slice(1))));
  });
}
const post = (message) => { if (framed && host) parent.postMessage({ bridgeChat: 1, ...message }, host); };
const claims = [];
const askIdentity = () => (framed ? new Promise((resolve) => { claims.push(resolve); post({ type: 'identify' }); setTimeout(resolve, 5000); }) : null);

addEventListener('message', ({ source, origin, data }) => {
  if (!framed || source !== parent || data?.bridgeChat !== 1 || !allowed(origin)) return;
  if (data.type === 'hello' && !host) {
    host = origin;
    start({ kept: data.kept || {}, lang: data.lang, page: data.page, identity: data.identity, storable: data.storable });
  } else if (origin !== host) return;
  else if (data.type === 'open') { opened = true; modal = data.modal; entered(); field.focus(); look(); }
  else if (data.type === 'close') opened = false;
  else if (data.type === 'identity') { if (claims.length) claims.splice(0).forEach((resolve) => resolve(data.identity)); else wire?.identify(data.identity); }
  else if (data.type === 'reset') { clear(); wire.reset(); }
});

function load() {
  try { return [JSON.parse(localStorage.getItem(`bridge.chat.${config.account}`)) || {}, true]; } catch { return [{}, false]; }
}
const owned = new Set();
function save(value) {  // several tabs share one place: what another one has not sent yet stays
  for (const one of value.box || []) owned.add(one.id);
  if (framed) return post({ type: 'save', kept: value, own: [...owned] });
  const [{ box = [], token = value.token }] = load();
  const others = token === value.token ? box.filter((one) => !owned.has(one.id)) : [];
  try { localStorage.setItem(`bridge.chat.${config.account}`, JSON.stringify({ ...value, box: [...others, ...(value.box || [])] })); } catch { /* kept in memory */ }
}

// --- start

function start({ kept: found, lang, page, identity, storable }) {
  kept = found;
  lang ||= navigator.language;
  words = texts(lang);
  when = clock(region(lang));
  root.lang = words === texts('zh') ? 'zh-CN' : 'en';
  root.style.setProperty('--brand', config.colour);
  root.style.setProperty('--ink', inkOn(config.colour));
  root.style.setProperty('--mark', matchMedia('(prefers-color-scheme: dark)').matches ? `color-mix(in srgb, ${config.colour} 60%, white)` : config.colour);
  document.title = $('#title').textContent = config.title || words.title;
  document.body.classList.toggle('page', !framed);
  $('#panel').setAttribute('role', framed ? 'dialog' : 'main');
  const [big, small] = document.querySelectorAll('#empty p');
  big.textContent = words.hello;
  small.textContent = words.helloMore;
  field.placeholder = words.write;
  for (const [id, text] of [['text', words.write], ['send', words.send], ['file', words.attach], ['shut', words.close]]) {
    $(`#${id}`).setAttribute('aria-label', text);
  }
  $('#attach').title = words.attach;
  $('#older').textContent = words.older;
  $('#down').textContent = words.down;
  $('#shut').hidden = !framed;
  field.value = kept.draft || '';
  grow();
  if (!storable) tell(words.short);
  wire = new Wire({ base, kept, save, lang, page, identity, askIdentity });
  wire.entered = opened;
  wire.addEventListener('line', ({ detail }) => line(detail));
  wire.addEventListener('fresh', () => clear());
  wire.addEventListener('session', ({ detail }) => { profile(detail); $('#older').hidden = !Number(detail.cursor.split('.')[1]) || older.done; });
  wire.addEventListener('caught-up', caughtUp);
  wire.addEventListener('message.new', ({ detail }) => add(detail));
  wire.addEventListener('message.state', ({ detail }) => state(detail));
  wire.addEventListener('conversation.state', ({ detail }) => { if (live && detail.state === 'closed') tell(words.closed, 8000); });
  wire.addEventListener('typing', ({ detail }) => typing(detail));
  wire.addEventListener('slow', ({ detail }) => tell(words.slow(Math.ceil(detail)), detail * 1000));
  wire.addEventListener('box', pending);
  wire.addEventListener('stored', ({ detail }) => tick(waiting.get(detail.client_id), { state: 'stored' }));
  pending();
  line('lost');
  wire.run();
  globalThis.bridgePanel = { wire };
}

function entered() {
  if (!wire || wire.entered) return;
  wire.entered = true;
  wire.access = '';      // the next session says that the chat was opened
  wire.begin().catch(() => {});
}

function line(how) {
  $('#line').textContent = words[how] || words.lost;
  if (how === 'offline') tell(words.offlineNote);
  else if (how === 'origin_not_allowed' || how === 'identity_required') { tell(words[how]); $('#line').textContent = ''; }
  else if (how === 'up' && notice.dataset.text === words.offlineNote) notice.hidden = true;
}

function tell(text, time) {
  clearTimeout(tell.timer);
  notice.dataset.text = text;
  notice.textContent = text;
  notice.hidden = false;
  if (time) tell.timer = setTimeout(() => { notice.hidden = true; }, time);
}

// history is in place before anything is read aloud
function caughtUp() {
  if (live) return;
  live = true;
  $('#empty').hidden = log.children.length > 0;
  bottom();
  setTimeout(() => log.setAttribute('aria-live', 'polite'), 300);
  look();
}

function clear() {
  live = false;
  older.done = false;
  log.setAttribute('aria-live', 'off');
  log.replaceChildren();
  shown.clear();
  states.clear();
  waiting.clear();
  count(0);
  $('#empty').hidden = true;
  pending();
}

// --- messages

const mine = (message) => message.from.kind === 'visitor';

function add(message, first) {
  if (shown.has(message.id)) return;
  const old = message.client_id && waiting.get(message.client_id);
  const stay = near() || mine(message);
  const item = draw(message);
  shown.set(message.id, { item, message });
  waiting.delete(message.client_id);
  if (old) old.remove();
  if (first) place(item, message, true);
  else place(item, message);
  if (mine(message)) tick(item, states.get(message.id) || { state: 'stored' });
  $('#empty').hidden = true;
  if (first) return;
  typing({ on: false });
  if (stay) bottom();
  if (!mine(message)) {
    wire.mark('delivered', message.seq);
    if (message.seq > wire.marks.read) count(unread + 1);
    readable = message.seq;
    if (live) {
      post({ type: 'message', message: { from: message.from.name, text: message.text } });
      if (!stay) $('#down').hidden = false;
    }
    look();
  }
}

// confirmed ones in their order, those on their way last
function place(item, message, first) {
  const before = first ? log.firstChild : [...waiting.values()][0] || null;
  log.insertBefore(item, before);
  group();
}

function group() {
  let day = '', author = '', at = 0, last = null;
  for (const divider of log.querySelectorAll('.day')) divider.remove();
  for (const item of [...log.children]) {
    const date = new Date(item.dataset.at), key = when.key(date);
    if (key !== day) {
      log.insertBefore(el('div.day', {}, when.day(date, words)), item);
      day = key;
      author = '';
    }
    const same = author === item.dataset.author && date - at < 300e3 && !last?.classList.contains('bad');
    item.classList.toggle('more', same);
    author = item.dataset.author;
    at = date;
    last = item;
  }
}

function draw(message) {
  const own = mine(message), date = new Date(message.at);
  const name = own ? words.you : message.from.name || (message.from.kind === 'bot' ? words.bot : words.agent);
  const item = el(`div.msg${own ? '.me' : ''}`, {},
    own ? el('span.hide', {}, `${name}: `) : el('bdi.name', {}, name),
    message.text && el('div.bubble', { dir: 'auto' }, linked(message.text)),
    (message.cards || []).map(card),
    (message.attachments || []).map(file),
    el('div.meta', {}, el('time', { dateTime: message.at }, when.time(date))));
  item.dataset.at = message.at;
  item.dataset.author = `${message.from.kind}:${name}`;
  return item;
}

function file(one) {
  if (one.kind === 'image' && one.url) {
    const picture = el('img', { src: one.url, alt: one.name, loading: 'lazy', onload: () => { if (near(400)) bottom(); } });
    if (one.w) { picture.width = one.w; picture.height = one.h; }
    return el('button.pic', { type: 'button', 'aria-label': one.name, onclick: () => zoom(one) }, picture);
  }
  if (one.kind === 'voice' && one.mime !== 'audio/amr' && one.url) return el('audio', { controls: true, src: one.url, preload: 'none' });
  if (one.kind === 'video' && one.url) return el('video', { controls: true, src: one.url, preload: 'metadata' });
  return el('a.doc', { href: one.url, target: '_blank', rel: 'noopener', download: one.name }, icon(FILE),
    el('span', {}, el('bdi', {}, one.name || one.kind), el('small', {}, one.size ? size(one.size) : '')));
}

function card(one) {
  return el('div.card', {}, one.thumb && el('img', { src: one.thumb, alt: '', loading: 'lazy' }), el('b', { dir: 'auto' }, one.title || one.url || one.path || ''),
    one.text && el('span', { dir: 'auto' }, one.text), one.path && el('span', {}, one.path), one.url && el('span', {}, linked(one.url)));
}

function zoom(one) {
  const box = $('#zoom'), button = $('button', box);
  $('img', box).src = one.url;
  $('img', box).alt = one.name;
  button.setAttribute('aria-label', words.close);
  box.hidden = false;
  const back = document.activeElement;
  button.focus();
  box.onclick = () => { box.hidden = true; back?.focus(); };
}

const ORDER = ['stored', 'accepted', 'delivered', 'read'];
const SIGNS = { sending: '◷', stored: '✓', accepted: '✓✓', read: '✓✓' };

function state({ of, state: name, reason }) {
  const before = states.get(of);
  if (before && ORDER.includes(name) && ORDER.indexOf(name) < ORDER.indexOf(before.state)) return;
  states.set(of, { state: name, reason });
  const found = shown.get(of);
  if (found) tick(found.item, { state: name, reason });
}

function tick(item, { state: name, reason, entry }) {
  if (!item) return;
  const sign = name === 'delivered' ? 'accepted' : ORDER.includes(name) || name === 'sending' ? name : name === 'failed' ? 'failed' : 'stored';
  const meta = $('.meta', item);
  item.classList.toggle('bad', sign === 'failed');
  meta.classList.toggle('keep', sign === 'failed' || sign === 'sending');
  for (const old of meta.querySelectorAll('.tick, button, .why')) old.remove();
  if (sign === 'failed') {
    const why = typeof words[reason] === 'string' ? words[reason] : '';
    meta.append(el('span.why', { role: 'alert' }, `! ${words.failed}${why ? ` – ${why}` : ''}`));
    if (entry) {
      meta.append(el('button', { type: 'button', onclick: () => { wire.retry(entry.id); pending(); } }, words.retry),
        el('button', { type: 'button', onclick: () => wire.drop(entry.id) }, words.drop));
    }
    return;
  }
  meta.append(el(`span.tick${sign === 'read' ? '.read' : sign === 'sending' ? '.wait' : ''}`, { title: words[sign], role: 'img', 'aria-label': words[sign] }, SIGNS[sign]));
}

// what is still on its way, below everything else
function pending() {
  const ids = new Set(kept.box?.map((entry) => entry.id));
  for (const [id, item] of waiting) if (!ids.has(id)) { item.remove(); waiting.delete(id); }
  for (const entry of kept.box || []) {
    if (!waiting.has(entry.id)) {
      const message = { from: { kind: 'visitor', name: '' }, text: entry.text, attachments: entry.files, at: new Date(entry.at).toISOString() };
      const item = draw(message);
      waiting.set(entry.id, item);
      log.append(item);
    }
    tick(waiting.get(entry.id), entry.failed ? { state: 'failed', reason: entry.failed, entry } : { state: 'sending' });
  }
  if (waiting.size) $('#empty').hidden = true;
  group();
}

async function older() {
  const first = Math.min(...[...shown.values()].map(({ message }) => message.seq), wire.last + 1);
  const answer = await wire.call(`messages?before=${first}&limit=50`).catch(() => null);
  if (!answer?.ok) return;
  const found = await answer.json(), height = scroll.scrollHeight;
  for (const message of found.messages.reverse()) { add(message, true); if (mine(message)) tick(shown.get(message.id).item, states.get(message.id) || { state: 'accepted' }); }
  scroll.scrollTop += scroll.scrollHeight - height;
  older.done = !found.more;
  $('#older').hidden = older.done;
}
$('#older').onclick = older;

function typing({ name, on }) {
  clearTimeout(typing.timer);
  const stay = near();
  $('#typing').hidden = !on;
  if (!on) return;
  $('#typing span').textContent = words.typing(name);
  typing.timer = setTimeout(() => { $('#typing').hidden = true; }, 6000);
  if (stay) bottom();
}

// --- reading

const near = (room = 80) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < room;
function bottom() { scroll.scrollTop = scroll.scrollHeight; $('#down').hidden = true; }
$('#down').onclick = () => { bottom(); look(); };
scroll.addEventListener('scroll', () => { if (near()) $('#down').hidden = true; look(); }, { passive: true });
document.addEventListener('visibilitychange', look);

function count(n) {
  if (unread === n) return;
  unread = n;
  post({ type: 'unread', count: n });
  if (!framed) document.title = `${n ? `(${n}) ` : ''}${config.title || words.title}`;
}

// read: open, visible, at the end, for a second
function look() {
  clearTimeout(look.timer);
  if (!opened || document.hidden || !near() || !readable) return;
  look.timer = setTimeout(() => { wire.mark('read', readable); count(0); }, 1000);
}

// --- writing

function grow() {
  field.style.height = 'auto';
  field.style.height = `${Math.min(field.scrollHeight, 132)}px`;
  ready();
}
const ready = () => { $('#send').disabled = !(field.value.trim() || uploads.length) || uploads.some((one) => !one.done); };
field.addEventListener('input', () => {
  grow();
  kept.draft = field.value;
  clearTimeout(grow.timer);
  grow.timer = setTimeout(() => wire?.save(), 400);
  if (field.value.trim()) wire?.typing();
});
field.addEventListener('focus', () => setTimeout(() => near(300) && bottom(), 300));

function send() {
  const text = field.value.trim();
  if (!wire || $('#send').disabled) return;
  const entry = wire.say(text, uploads.splice(0).map((one) => one.found));
  field.value = kept.draft = '';
  wire.save();
  $('#files').replaceChildren();
  $('#files').hidden = true;
  grow();
  pending();
  bottom();
  field.focus();
  return entry;
}
sender(field, send, (event) => !event.shiftKey && !coarse);
$('#write').addEventListener('submit', (event) => { event.preventDefault(); send(); });

async function attach(files) {
  for (const given of [...files].slice(0, config.limits.files - uploads.length)) {
    const picked = await shrink(given);
    const bar = el('progress', { max: 1, value: 0, 'aria-label': picked.name });
    const item = el('li', {}, el('bdi', {}, picked.name), el('small', {}, size(picked.size)), bar);
    const one = { done: false };
    const away = () => { one.cancel?.(); item.remove(); if (uploads.includes(one)) uploads.splice(uploads.indexOf(one), 1); $('#files').hidden = !$('#files').children.length; ready(); };
    item.append(el('button', { type: 'button', 'aria-label': `${words.cancel}: ${picked.name}`, onclick: away }, '✕'));
    $('#files').append(item);
    $('#files').hidden = false;
    uploads.push(one);
    ready();
    const bad = (code) => {
      if (code === 'cancelled') return;
      uploads.splice(uploads.indexOf(one), 1);
      bar.replaceWith(el('span.err', { role: 'alert' }, code === 'too_large' ? words.too_large(size(config.limits.file)) : words[code] || words.failed));
      ready();
    };
    if (picked.size > config.limits.file) { bad('too_large'); continue; }
    try {
      if (!wire.access || Date.now() > wire.until) await wire.begin();
      const task = upload(`${base}uploads`, picked, { authorization: `Bearer ${wire.access}` }, (part) => { bar.value = part; });
      one.cancel = task.cancel;
      one.found = await task.done;
      one.done = true;
      bar.value = 1;
      ready();
    } catch (error) { bad(error.code || 'failed'); }
  }
}
$('#file').addEventListener('change', ({ target }) => { attach(target.files); target.value = ''; });
field.addEventListener('paste', (event) => { if (event.clipboardData.files.length) { event.preventDefault(); attach(event.clipboardData.files); } });
const panel = $('#panel');
panel.addEventListener('dragover', (event) => { event.preventDefault(); panel.classList.add('drop'); });
panel.addEventListener('dragleave', () => panel.classList.remove('drop'));
panel.addEventListener('drop', (event) => { event.preventDefault(); panel.classList.remove('drop'); attach(event.dataTransfer.files); });

// --- who they are, if the site wants to know; never in the way of the first message

function profile({ profile: known }) {
  const form = $('#ask');
  if (known || kept.skipped || !config.prechat.length) { form.hidden = true; return; }
  if (!form.hidden) return;
  const types = { name: ['text', 'name'], email: ['email', 'email'], phone: ['tel', 'tel'] };
  form.replaceChildren(el('p', {}, words.ask), ...config.prechat.map((key) => el('label', {}, words[key],
    el('input', { name: key, type: types[key][0], autocomplete: types[key][1], maxLength: 200 }))),
  el('div', {}, el('button', { type: 'button', onclick: () => { kept.skipped = true; wire.save(); form.hidden = true; field.focus(); } }, words.skip),
    el('button', { type: 'submit' }, words.save)));
  form.hidden = false;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const answer = await wire.call('profile', { method: 'POST', body: Object.fromEntries(new FormData(form)) }).catch(() => null);
    if (!answer?.ok) return tell(words.failed, 4000);
    form.hidden = true;
    kept.skipped = true;
    wire.save();
    field.focus();
  };
}

// --- keys

addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    if (!$('#zoom').hidden) return $('#zoom').onclick();
    return post({ type: 'close' });
  }
  if (event.key !== 'Tab' || !modal) return;
  // covering a whole phone: the focus stays inside
  const stops = [...document.querySelectorAll('button, textarea, input, a[href], [tabindex="0"]')].filter((one) => one.offsetParent && !one.disabled);
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement === edge) { event.preventDefault(); (event.shiftKey ? stops.at(-1) : stops[0]).focus(); }
});
$('#shut').onclick = () => post({ type: 'close' });

if (!framed) {
  const query = new URLSearchParams(location.search), [found, storable] = load();
  start({ kept: found, lang: query.get('lang') || navigator.language, page: { url: location.href, title: document.title, ref: document.referrer }, storable });
}
