// The chat as visitors see it: in a frame on somebody's site, or as a page of its own.
import { $, clock, el, inkOn, region, sender } from './shared.js';
import { bubble, divide, mine } from './bubbles.js';
import { askIdentity, config, framed, listen, load, post, save } from './host.js';
import { askProfile } from './profile.js';
import { texts } from './texts.js';
import { ORDER, mark } from './ticks.js';
import { Uploads } from './uploads.js';
import { Wire } from './wire.js';

const root = document.documentElement;
const base = new URL('v1/', location.href).href;
const coarse = matchMedia('(pointer: coarse)').matches;
let words, when, wire, kept = {}, opened = !framed, modal = false;
const log = $('#log'), scroll = $('#scroll'), field = $('#text'), notice = $('#notice');
const shown = new Map();      // message id → {item, message}
const states = new Map();     // message id → {state, reason}: may come before the message
const waiting = new Map();    // client id → item of a message that is still on its way
let unread = 0, readable = 0, live = false;

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
  wire.addEventListener('session', ({ detail }) => { askProfile(detail.profile, { kept, words, wire, tell, field }); $('#older').hidden = !Number(detail.cursor.split('.')[1]) || older.done; });
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

const draw = (message) => bubble(message, words, when, () => { if (near(400)) bottom(); });

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

const group = () => divide(log, when, words);

function state({ of, state: name, reason }) {
  const before = states.get(of);
  if (before && ORDER.includes(name) && ORDER.indexOf(name) < ORDER.indexOf(before.state)) return;
  states.set(of, { state: name, reason });
  const found = shown.get(of);
  if (found) tick(found.item, { state: name, reason });
}

const tick = (item, how) => item && mark(item, how, words, { retry: (id) => { wire.retry(id); pending(); }, drop: (id) => wire.drop(id) });

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
const uploads = new Uploads({ words: () => words, access: async () => { if (!wire.access || Date.now() > wire.until) await wire.begin(); return wire.access; }, url: `${base}uploads`, changed: () => ready() });
const ready = () => { $('#send').disabled = !(field.value.trim() || uploads.count) || uploads.busy; };
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
  const entry = wire.say(text, uploads.take());
  field.value = kept.draft = '';
  wire.save();
  grow();
  pending();
  bottom();
  field.focus();
  return entry;
}
sender(field, send, (event) => !event.shiftKey && !coarse);
$('#write').addEventListener('submit', (event) => { event.preventDefault(); send(); });

$('#file').addEventListener('change', ({ target }) => { uploads.attach(target.files); target.value = ''; });
field.addEventListener('paste', (event) => { if (event.clipboardData.files.length) { event.preventDefault(); uploads.attach(event.clipboardData.files); } });
const panel = $('#panel');
panel.addEventListener('dragover', (event) => { event.preventDefault(); panel.classList.add('drop'); });
panel.addEventListener('dragleave', () => panel.classList.remove('drop'));
panel.addEventListener('drop', (event) => { event.preventDefault(); panel.classList.remove('drop'); uploads.attach(event.dataTransfer.files); });

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

listen({
  start,
  open: (data) => { opened = true; modal = data.modal; entered(); field.focus(); look(); },
  close: () => { opened = false; },
  identity: (identity) => wire?.identify(identity),
  reset: () => { clear(); wire.reset(); },
});
if (!framed) {
  const query = new URLSearchParams(location.search), [found, storable] = load();
  start({ kept: found, lang: query.get('lang') || navigator.language, page: { url: location.href, title: document.title, ref: document.referrer }, storable });
}
