// How far a visitor's message came, on its bubble.
import { $, el } from './shared.js';

export const ORDER = ['stored', 'accepted', 'delivered', 'read'];
const SIGNS = { sending: '◷', stored: '✓', accepted: '✓✓', read: '✓✓' };

// `retry` and `drop` get the id of a message that did not go
export function mark(item, { state: name, reason, entry }, words, { retry, drop }) {
  const sign = name === 'delivered' ? 'accepted' : ORDER.includes(name) || name === 'sending' ? name : name === 'failed' ? 'failed' : 'stored';
  const meta = $('.meta', item);
  item.classList.toggle('bad', sign === 'failed');
  meta.classList.toggle('keep', sign === 'failed' || sign === 'sending');
  for (const old of meta.querySelectorAll('.tick, button, .why')) old.remove();
  if (sign === 'failed') {
    const why = typeof words[reason] === 'string' ? words[reason] : '';
    meta.append(el('span.why', { role: 'alert' }, `! ${words.failed}${why ? ` – ${why}` : ''}`));
    if (entry) {
      meta.append(el('button', { type: 'button', onclick: () => retry(entry.id) }, words.retry),
        el('button', { type: 'button', onclick: () => drop(entry.id) }, words.drop));
    }
    return;
  }
  meta.append(el(`span.tick${sign === 'read' ? '.read' : sign === 'sending' ? '.wait' : ''}`, { title: words[sign], role: 'img', 'aria-label': words[sign] }, SIGNS[sign]));
}
