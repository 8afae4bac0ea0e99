// Who visitors are, if the site wants to know; never in the way of the first message.
import { $, el } from './shared.js';
import { config } from './host.js';

export function askProfile(known, { kept, words, wire, tell, field }) {
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
