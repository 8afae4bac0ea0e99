// One message as visitors see it.
import { $, el, linked } from './shared.js';
import { file } from './parts.js';

export const mine = (message) => message.from.kind === 'visitor';

export function bubble(message, words, when, loaded) {
  const own = mine(message), date = new Date(message.at);
  const name = own ? words.you : message.from.name || (message.from.kind === 'bot' ? words.bot : words.agent);
  const item = el(`div.msg${own ? '.me' : ''}`, {},
    own ? el('span.hide', {}, `${name}: `) : el('bdi.name', {}, name),
    message.text && el('div.bubble', { dir: 'auto' }, linked(message.text)),
    (message.cards || []).map(card),
    (message.attachments || []).map((one) => file(one, words, loaded, (picture) => zoom(picture, words))),
    el('div.meta', {}, el('time', { dateTime: message.at }, when.time(date))));
  item.dataset.at = message.at;
  item.dataset.author = `${message.from.kind}:${name}`;
  return item;
}

function card(one) {
  return el('div.card', {}, one.thumb && el('img', { src: one.thumb, alt: '', loading: 'lazy' }), el('b', { dir: 'auto' }, one.title || one.url || one.path || ''),
    one.text && el('span', { dir: 'auto' }, one.text), one.path && el('span', {}, one.path), one.url && el('span', {}, linked(one.url)));
}

function zoom(one, words) {
  const box = $('#zoom'), button = $('button', box);
  $('img', box).src = one.url;
  $('img', box).alt = one.name;
  button.setAttribute('aria-label', words.close);
  box.hidden = false;
  const back = document.activeElement;
  button.focus();
  box.onclick = () => { box.hidden = true; back?.focus(); };
}

// days between them, and what one person said within minutes as one block
export function divide(log, when, words) {
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
