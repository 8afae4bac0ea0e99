// The web desk: sign-in, the shell around list and conversation, keys.
import { $, clock, el } from './shared.js';
import { texts } from './desktexts.js';
import { List } from './desklist.js';
import { View } from './deskview.js';
import { Wire } from './deskwire.js';

const config = JSON.parse(document.body.dataset.config);
const lang = new URLSearchParams(location.search).get('lang') || navigator.language || config.language;
const words = texts(lang);
const root = document.documentElement;
root.lang = words === texts('zh') ? 'zh-CN' : 'en';
const title = config.title || (root.lang === 'en' ? 'Desk' : '客服工作台');
document.title = title;
let me = null, list, view;
const wire = new Wire(new URL('v1/', location.href).href, config.account);

try { root.dataset.theme = localStorage.getItem('bridge.desk.theme') || ''; } catch { /* as the system is */ }

function toast(text) {
  const box = $('#toast');
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, 4000);
}

// --- sign-in

function gate() {
  $('#desk').hidden = true;
  $('#gate').hidden = false;
  $('#lost').hidden = true;
  $('#gate h1').textContent = title;
  $('#gate p').textContent = words.sub;
  const [name, password] = document.querySelectorAll('#gate label span');
  name.textContent = words.name;
  password.textContent = words.password;
  $('#gate button').textContent = words.signIn;
  $('#sign').elements.name.focus();
}

$('#sign').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target, bad = $('#gate .bad'), button = $('#gate button');
  button.disabled = true;
  bad.hidden = true;
  try {
    await wire.call('sign-in', { name: form.elements.name.value, password: form.elements.password.value });
    form.reset();
    await enter();
  } catch (error) {
    bad.textContent = error.code === 'rate_limited' && error.retry_after_ms ? `${words.rate_limited} (${Math.ceil(error.retry_after_ms / 1000)} s)` : words[error.code] || words.refused;
    bad.hidden = false;
    form.elements.password.select();
  } finally { button.disabled = false; }
});

async function enter() {
  try { me = await wire.call('me'); } catch (error) {
    if (error.status === 401) return gate();
    line(false);
    return void setTimeout(enter, 2000);
  }
  wire.agents = me.agents;
  $('#gate').hidden = true;
  $('#desk').hidden = false;
  $('#inbox h1').textContent = title;
  $('#me').textContent = me.name;
  for (const [id, text] of [['theme', words.theme], ['help', words.help], ['out', words.signOut]]) { $(`#${id}`).title = text; $(`#${id}`).setAttribute('aria-label', text); }
  view ||= new View({ wire, words, lang, clock: clock(lang), config, changed: toast, leave: () => { location.hash = ''; } });
  list ||= new List({ wire, words, lang, choose: (id) => { if (location.hash === `#${id}`) route(); else location.hash = id; } });
  wire.begin(me);
  try { await list.load(); } catch { line(false); }
  line(true);
  route();
}

// --- news

function line(up) {
  $('#lost').textContent = words.lost;
  $('#lost').hidden = up || !$('#gate').hidden;
}
wire.addEventListener('line', ({ detail }) => line(detail));
wire.addEventListener('signed-out', () => { wire.end(); gate(); });
wire.addEventListener('reload', () => enter());
wire.addEventListener('ticket', ({ detail }) => { list.take(detail); view.refresh(detail); });
wire.addEventListener('typing', ({ detail }) => view.whoTypes(detail));
wire.addEventListener('box', ({ detail }) => { if (detail === view.id) view.draw(); });
wire.addEventListener('written', ({ detail }) => { if (detail.ticket === view.id && view.ticket) view.refresh({ id: view.id }); });
wire.addEventListener('newer', ({ detail }) => view.faster(detail));

function route() {
  const id = decodeURIComponent(location.hash.slice(1));
  document.body.classList.toggle('one', Boolean(id));
  document.body.classList.remove('side');
  list.chosen = id;
  list.draw();
  if (id) { if (view.id !== id || !view.ticket) view.open(id); } else view.close();
}
addEventListener('hashchange', () => { if (me && !$('#desk').hidden) route(); });

// --- head and keys

$('#theme').onclick = () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try { localStorage.setItem('bridge.desk.theme', root.dataset.theme); } catch { /* for this page */ }
};
$('#out').onclick = async () => { await wire.call('sign-out', {}).catch(() => {}); wire.end(); me = null; location.hash = ''; gate(); };
function help() {
  const dialog = $('#keys');
  dialog.replaceChildren(el('h2', {}, words.help), el('dl', {}, words.keys.map(([key, what]) => el('div', {}, el('dt', {}, key.split(' / ').map((one) => el('kbd', {}, one))), el('dd', {}, what)))),
    el('button.soft', { type: 'button', onclick: () => dialog.close() }, words.closeKeys));
  dialog.showModal();
}
$('#help').onclick = help;

const KEYS = {
  j: () => list.step(1), k: () => list.step(-1), '/': () => $('#search').focus(), '?': help,
  r: () => view.id && view.write('reply'), n: () => view.id && view.write('note'), a: () => view.id && view.take(), e: () => view.id && view.settle(),
};
addEventListener('keydown', (event) => {
  if (!me || $('#desk').hidden || $('dialog[open]')) return;
  const typing = event.target.matches('input, textarea, select');
  if (event.key === 'Escape') {
    if (document.body.classList.contains('side')) document.body.classList.remove('side');
    else if (typing) event.target.blur();
    else if (view.id) location.hash = '';
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

enter();
