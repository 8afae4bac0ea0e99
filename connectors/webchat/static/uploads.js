// Files that a visitor is about to send, with how far each has come.
import { $, el, shrink, size, upload } from './shared.js';
import { config } from './host.js';

export class Uploads {
  // `words` and `access` are asked when they are needed: the language and the key come later, and change
  constructor({ words, access, url, changed }) {
    Object.assign(this, { words, access, url, changed });
    this.all = [];
  }

  get count() { return this.all.length; }

  get busy() { return this.all.some((one) => !one.done); }

  take() {
    const found = this.all.splice(0).map((one) => one.found);
    $('#files').replaceChildren();
    $('#files').hidden = true;
    return found;
  }

  forget(one) { if (this.all.includes(one)) this.all.splice(this.all.indexOf(one), 1); }

  async attach(files) {
    for (const given of [...files].slice(0, config.limits.files - this.count)) {
      const picked = await shrink(given), words = this.words();
      const bar = el('progress', { max: 1, value: 0, 'aria-label': picked.name });
      const item = el('li', {}, el('bdi', {}, picked.name), el('small', {}, size(picked.size)), bar);
      const one = { done: false };
      const away = () => { one.cancel?.(); item.remove(); this.forget(one); $('#files').hidden = !$('#files').children.length; this.changed(); };
      item.append(el('button', { type: 'button', 'aria-label': `${words.cancel}: ${picked.name}`, onclick: away }, '✕'));
      $('#files').append(item);
      $('#files').hidden = false;
      this.all.push(one);
      this.changed();
      const bad = (code) => {
        if (code === 'cancelled') return;
        this.forget(one);
        bar.replaceWith(el('span.err', { role: 'alert' }, code === 'too_large' ? words.too_large(size(config.limits.file)) : words[code] || words.failed));
        this.changed();
      };
      if (picked.size > config.limits.file) { bad('too_large'); continue; }
      try {
        const task = upload(this.url, picked, { authorization: `Bearer ${await this.access()}` }, (part) => { bar.value = part; });
        one.cancel = task.cancel;
        one.found = await task.done;
        one.done = true;
        bar.value = 1;
        this.changed();
      } catch (error) { bad(error.code || 'failed'); }
    }
  }
}
