// The agent writes first: a new conversation with the customer whose ticket is shown.
import { el, newId } from './shared.js';

export function beginning({ words, wire, id }) {
  const client = newId();
  const text = el('textarea', { rows: 3, maxLength: 20000, 'aria-label': words.firstWords, placeholder: words.firstWords });
  const said = el('p.err', { role: 'alert', hidden: true });
  const form = el('form', { hidden: true, onsubmit: async (event) => {
    event.preventDefault();
    if (!text.value.trim()) { text.focus(); return; }
    send.disabled = true;
    try {
      const { ticket } = await wire.call('tickets', { of: id, text: text.value, client_id: client });
      location.hash = ticket;
    } catch (error) {
      send.disabled = false;
      said.hidden = false;
      said.textContent = words[error.code] || words.refused;
    }
  } });
  const send = el('button.good', {}, words.send);
  form.append(text, send, said);
  const open = el('button.link', { type: 'button', onclick: () => { form.hidden = false; open.hidden = true; text.focus(); } }, words.beginAnew);
  return el('section', {}, open, form);
}
