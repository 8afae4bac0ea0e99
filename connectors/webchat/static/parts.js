// A file of a message, for visitors and agents.
import { FILE, el, icon, size } from './shared.js';

// `loaded`: a picture has its size now; `opened`: somebody wants to see it large
export function file(one, words, loaded, opened) {
  const name = one.name || words.image || '';
  if (one.kind === 'image' && one.url) {
    const picture = el('img', { src: one.url, alt: name, loading: 'lazy', onload: loaded });
    if (one.w) { picture.width = one.w; picture.height = one.h; }
    return el('button.pic', { type: 'button', 'aria-label': name, onclick: () => opened(one) }, picture);
  }
  if (one.kind === 'voice' && one.url && !/amr|silk/.test(one.mime)) return el('audio', { controls: true, src: one.url, preload: 'none' });
  if (one.kind === 'video' && one.url) return el('video', { controls: true, src: one.url, preload: 'metadata' });
  return el('a.doc', { href: one.url, target: '_blank', rel: 'noopener', download: one.name, title: (one.kind === 'voice' && words.play) || one.name }, icon(FILE),
    el('span', {}, el('bdi', {}, one.name || one.kind), el('small', {}, one.size ? size(one.size) : '')));
}
